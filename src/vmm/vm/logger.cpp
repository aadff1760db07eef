#include "vmm/vm/logger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace bh::vmm {

namespace {

constexpr mode_t kLogFileMode = 0640;

std::string_view name_of(LogLevel level) {
  constexpr std::array<std::string_view, 6> kNames{"OFF",  "ERROR", "WARN",
                                                   "INFO", "DEBUG", "TRACE"};
  return kNames[static_cast<std::size_t>(level)];
}

/// The path from src/ on, whatever the compiler was called with.
std::string_view short_path(char const* file) {
  std::string_view const path = file;
  auto const found = path.rfind("src/");
  return found == std::string_view::npos ? path : path.substr(found + 4);
}

std::string timestamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::localtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     now.tv_nsec);
}

std::string thread_name() {
  if (::getpid() == ::gettid()) return "main";
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

/// False if the file does not take the line now.
bool write_now(int fd, std::string_view line) {
  pollfd poll_fd{.fd = fd, .events = POLLOUT, .revents = 0};
  if (::poll(&poll_fd, 1, 0) != 1) return false;
  return ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

/// Invalid for standard error.
Result<os::UniqueFd> open_log(LoggerOptions const& options) {
  os::UniqueFd file;
  if (options.path) {
    // Non-blocking, so that a FIFO nobody reads is an error now rather than a wait.
    file.reset(::open(options.path->c_str(),
                      O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                      kLogFileMode));
    if (!file.valid()) return fail_errno("open log " + *options.path, errno);
  }
  return file;
}

}  // namespace

std::string escape_controls(std::string_view message) {
  std::string text;
  for (char const letter : message) {
    auto const code = static_cast<unsigned char>(letter);
    if (letter == '\n') {
      text += "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      text += fmt::format("\\x{:02x}", code);
    } else {
      text += letter;
    }
  }
  return text;
}

Result<Logger> Logger::open(LoggerOptions options) {
  auto file = BH_TRY(open_log(options));
  return Logger(std::move(options), std::move(file));
}

Result<> Logger::reconfigure(LoggerOptions options) {
  auto file = BH_TRY(open_log(options));
  MutexLock const lock(mutex_);
  options_ = std::move(options);
  file_ = std::move(file);
  return {};
}

LoggerOptions Logger::options() const {
  MutexLock const lock(mutex_);
  return options_;
}

bool Logger::has_file() const {
  MutexLock const lock(mutex_);
  return file_.valid();
}

void Logger::log(LogLevel level, std::string_view message, std::source_location origin) {
  MutexLock const lock(mutex_);
  if (level > options_.level || level == LogLevel::Off) return;
  auto const file = short_path(origin.file_name());
  if (!file.starts_with(options_.module)) return;
  auto const line =
      fmt::format("{} [{}:{}{}{}] {}\n", timestamp(), options_.id, thread_name(),
                  options_.show_level ? fmt::format(":{}", name_of(level)) : "",
                  options_.show_origin ? fmt::format(":{}:{}", file, origin.line()) : "",
                  escape_controls(message));
  if (!within_burst(origin) || !write_now(file_.valid() ? file_.get() : STDERR_FILENO, line)) {
    ++dropped_;
  }
}

bool Logger::within_burst(std::source_location const& origin) {
  auto const now = std::chrono::steady_clock::now();
  auto& window = windows_[{.file = origin.file_name(), .line = origin.line()}];
  if (window.lines == 0 || now - window.start >= kBurstPeriod) window = {.start = now, .lines = 0};
  return ++window.lines <= kBurst;
}

std::uint64_t Logger::dropped() const {
  MutexLock const lock(mutex_);
  return dropped_;
}

}  // namespace bh::vmm
