#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "machine/supervise/session.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// One line of a machine's log (supervise/log_file.h).
struct LogLine {
  std::string time;
  Stream stream = Stream::Output;
  std::string text;
  bool ends = true;    // Else the machine's line goes on in the next.
  bool starts = true;  // Else it goes on from the one before, of the same stream.
};

/// Nothing of what is no such line.
std::optional<LogLine> parse_log_line(std::string_view text);

/// Reads a machine's log, the full files first, and again what was added since, also across a
/// change of files.
class LogReader {
 public:
  explicit LogReader(std::string path) : path_(std::move(path)) {}

  Result<> read(std::function<void(LogLine const&)> const& handler);

 private:
  Result<> read_rest(std::function<void(LogLine const&)> const& handler);
  bool is_current() const;

  std::string path_;
  os::UniqueFd file_;
  std::string pending_;
  bool continues_[2] = {false, false};
};

}  // namespace bh::machine
