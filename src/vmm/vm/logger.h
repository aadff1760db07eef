#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/mutex.h"
#include "os/unique_fd.h"
#include "vmm/api/config.h"

namespace bh::vmm {

struct LoggerOptions {
  std::optional<std::string> path;  // Absent: standard error, where the guest cannot write.
  std::string id;                   // Of the microVM.
  LogLevel level = LogLevel::Info;
  bool show_level = false;
  bool show_origin = false;
  std::string module;  // Only messages whose source file, from src/, starts with it.
};

/// Log of one microVM in Firecracker's line format:
/// "2024-01-31T12:00:00.123456789 [id:thread:LEVEL:file:line] message".
///
/// Never makes its callers wait: a line that the file does not take at once is dropped, and so are
/// more than kBurst lines from one place in kBurstPeriod (a guest can cause messages). Drops are
/// counted. Any thread.
class Logger {
 public:
  static constexpr unsigned kBurst = 10;
  static constexpr std::chrono::seconds kBurstPeriod{5};

  /// Opens (and creates, or appends to) the file.
  static Result<Logger> open(LoggerOptions options);
  Logger(Logger&& other) noexcept
      : options_(std::move(other.options_)), file_(std::move(other.file_)) {}

  void log(LogLevel level, std::string_view message,
           std::source_location origin = std::source_location::current());

  std::uint64_t dropped() const;
  bool has_file() const;

  LoggerOptions options() const;
  /// Goes on with other options; on an error with the old ones.
  Result<> reconfigure(LoggerOptions options);

 private:
  struct Place {
    char const* file;
    std::uint_least32_t line;
    friend auto operator<=>(Place const&, Place const&) = default;
  };
  struct Window {
    std::chrono::steady_clock::time_point start;
    unsigned lines = 0;
  };

  Logger(LoggerOptions options, os::UniqueFd file)
      : options_(std::move(options)), file_(std::move(file)) {}

  bool within_burst(std::source_location const& origin) BH_REQUIRES(mutex_);

  mutable Mutex mutex_;
  LoggerOptions options_ BH_GUARDED_BY(mutex_);
  os::UniqueFd file_ BH_GUARDED_BY(mutex_);  // Invalid: standard error.
  std::map<Place, Window> windows_ BH_GUARDED_BY(mutex_);
  std::uint64_t dropped_ BH_GUARDED_BY(mutex_) = 0;
};

/// `message` with control characters as "\n" or "\x1b", so that it stays one line.
std::string escape_controls(std::string_view message);

}  // namespace bh::vmm
