#include "machine/control/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/text_file.h"

namespace bh::machine {

std::optional<LogLine> parse_log_line(std::string_view text) {
  LogLine line;
  std::array<std::string_view, 3> words;
  for (auto& word : words) {
    auto const blank = text.find(' ');
    if (blank == text.npos) return std::nullopt;
    word = text.substr(0, blank);
    text.remove_prefix(blank + 1);
  }
  bool const known =
      (words[1] == "stdout" || words[1] == "stderr") && (words[2] == "F" || words[2] == "P");
  if (!known) return std::nullopt;
  line.time = words[0];
  line.stream = words[1] == "stdout" ? Stream::Output : Stream::Error;
  line.ends = words[2] == "F";
  line.text = text;
  return line;
}

bool LogReader::is_current() const {
  struct stat ours{};
  struct stat named{};
  return ::fstat(file_.get(), &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

Result<> LogReader::read(std::function<void(LogLine const&)> const& handler) {
  if (!file_.valid()) {
    int oldest = 0;
    while (::access((path_ + "." + std::to_string(oldest + 1)).c_str(), F_OK) == 0) ++oldest;
    for (; oldest > 0; --oldest) {
      auto file = os::open_at(AT_FDCWD, path_ + "." + std::to_string(oldest), O_RDONLY);
      if (!file) continue;
      file_ = std::move(*file);
      BH_TRY(read_rest(handler));
    }
    auto file = os::open_at(AT_FDCWD, path_, O_RDONLY);
    // It has never run.
    if (!file && file.error().code == Errc::NotFound) return {};
    file_ = BH_TRY(std::move(file));
  }
  BH_TRY(read_rest(handler));
  if (is_current()) return {};
  auto file = os::open_at(AT_FDCWD, path_, O_RDONLY);
  if (!file) return {};
  file_ = std::move(*file);
  return read_rest(handler);
}

Result<> LogReader::read_rest(std::function<void(LogLine const&)> const& handler) {
  std::array<char, std::size_t{64} * 1024> bytes{};
  while (true) {
    ssize_t const count = ::read(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read " + path_, errno);
    if (count == 0) return {};
    pending_.append(bytes.data(), static_cast<std::size_t>(count));
    std::size_t start = 0;
    for (auto end = pending_.find('\n'); end != pending_.npos; end = pending_.find('\n', start)) {
      auto line = parse_log_line(std::string_view(pending_).substr(start, end - start));
      start = end + 1;
      if (!line) continue;
      auto& continues = continues_[static_cast<std::size_t>(line->stream)];
      line->starts = !continues;
      continues = !line->ends;
      handler(*line);
    }
    pending_.erase(0, start);
  }
}

}  // namespace bh::machine
