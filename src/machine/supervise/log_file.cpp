#include "machine/supervise/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <span>

#include "machine/clock.h"
#include "os/file_write.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

// A longer line is written in parts.
constexpr std::size_t kLongestLine = std::size_t{16} * 1024;

Result<os::UniqueFd> open_log(std::string const& path) {
  return os::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

}  // namespace

Result<LogFile> LogFile::open(std::string path, std::uint64_t most_bytes,
                              std::uint64_t most_files) {
  auto file = BH_TRY(open_log(path));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat " + path, errno);
  return LogFile(std::move(path), std::move(file), static_cast<std::uint64_t>(info.st_size),
                 most_bytes, most_files);
}

Result<> LogFile::write(Stream stream, std::string_view bytes) {
  auto& pending = pending_[static_cast<std::size_t>(stream)];
  while (!bytes.empty()) {
    auto const end = bytes.find('\n');
    bool const ends = end != bytes.npos;
    pending += bytes.substr(0, end);
    bytes.remove_prefix(ends ? end + 1 : bytes.size());
    while (pending.size() > kLongestLine) {
      BH_TRY(write_line(stream, std::string_view(pending).substr(0, kLongestLine), false));
      pending.erase(0, kLongestLine);
    }
    if (!ends) return {};
    BH_TRY(write_line(stream, pending, true));
    pending.clear();
  }
  return {};
}

Result<> LogFile::flush() {
  for (auto const stream : {Stream::Output, Stream::Error}) {
    auto& pending = pending_[static_cast<std::size_t>(stream)];
    if (!pending.empty()) BH_TRY(write_line(stream, pending, false));
    pending.clear();
  }
  return {};
}

Result<> LogFile::write_line(Stream stream, std::string_view text, bool ends) {
  auto line =
      rfc3339(now()) + (stream == Stream::Output ? " stdout " : " stderr ") + (ends ? "F " : "P ");
  line += text;
  line += '\n';
  if (size_ != 0 && size_ + line.size() > most_bytes_) BH_TRY(rotate());
  BH_TRY(os::write_all(file_, std::as_bytes(std::span(line))));
  size_ += line.size();
  return {};
}

Result<> LogFile::rotate() {
  auto const numbered = [this](std::uint64_t number) {
    return number == 0 ? path_ : path_ + "." + std::to_string(number);
  };
  // The last one's name is taken by the one before.
  for (auto number = most_files_ - 1; number > 0; --number) {
    auto const from = numbered(number - 1);
    if (::rename(from.c_str(), numbered(number).c_str()) != 0 && errno != ENOENT) {
      return fail_errno("rename " + from, errno);
    }
  }
  if (most_files_ == 1 && ::remove(path_.c_str()) != 0) return fail_errno("remove " + path_, errno);
  file_ = BH_TRY(open_log(path_));
  size_ = 0;
  return {};
}

}  // namespace bh::machine
