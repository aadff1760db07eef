#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "machine/supervise/session.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// What a machine has printed, a line of the file for each of its own, as container engines of
/// Kubernetes write it: "TIME stdout|stderr F|P TEXT"; P is a line that goes on in the next. Full
/// files get a number: console.log, console.log.1, ...
class LogFile {
 public:
  static constexpr std::uint64_t kDefaultBytes = 10 << 20;
  static constexpr std::uint64_t kDefaultFiles = 3;

  /// Goes on where the file at `path` ends.
  static Result<LogFile> open(std::string path, std::uint64_t most_bytes = kDefaultBytes,
                              std::uint64_t most_files = kDefaultFiles);

  Result<> write(Stream stream, std::string_view bytes);
  /// Writes out lines that have not ended.
  Result<> flush();

 private:
  LogFile(std::string path, os::UniqueFd file, std::uint64_t size, std::uint64_t most_bytes,
          std::uint64_t most_files)
      : path_(std::move(path)),
        file_(std::move(file)),
        size_(size),
        most_bytes_(most_bytes),
        most_files_(most_files) {}

  Result<> write_line(Stream stream, std::string_view text, bool ends);
  Result<> rotate();

  std::string path_;
  os::UniqueFd file_;
  std::uint64_t size_;
  std::uint64_t most_bytes_;
  std::uint64_t most_files_;
  std::string pending_[2];  // By stream: a line that has not ended.
};

}  // namespace bh::machine
