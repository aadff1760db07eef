#include "init/tar_output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "init/report.h"

namespace bh::init {

namespace {

// Too large for a stack that nobody has grown yet, and zeros, which take no room in the program.
std::array<char, std::size_t{64} * 1024> buffer;
std::array<char, kExtendedBytes + kTarBlock> extended;

}  // namespace

bool TarOutput::put(char const* bytes, std::size_t size) {
  while (size > 0) {
    ssize_t const count = ::write(fd_, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      report_errno("write", "a tar", errno);
      return false;
    }
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool TarOutput::put_zeros(std::uint64_t size) {
  std::array<char, kTarBlock> const zeros{};
  while (size > 0) {
    auto const count = std::min<std::uint64_t>(size, zeros.size());
    if (!put(zeros.data(), count)) return false;
    size -= count;
  }
  return true;
}

bool TarOutput::pad(std::uint64_t size) {
  return put_zeros((kTarBlock - size % kTarBlock) % kTarBlock);
}

bool TarOutput::put_header() {
  std::array<char, kTarBlock> block{};
  auto const size = format_extended(entry_, extended.data());
  if (size != 0) {
    about_.kind = TarEntry::kExtended;
    about_.size = size;
    set_text(about_.path, "pax");
    format_tar_header(about_, block.data());
    if (!put(block.data(), block.size()) || !put(extended.data(), size) || !pad(size)) {
      return false;
    }
  }
  format_tar_header(entry_, block.data());
  return put(block.data(), block.size());
}

bool TarOutput::put_content(int file, std::string_view path) {
  std::uint64_t left = entry_.size;
  while (left > 0) {
    ssize_t const count = ::read(file, buffer.data(), std::min<std::uint64_t>(left, buffer.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      report_errno("read", path, errno);
      return false;
    }
    // It became shorter meanwhile: the rest is zeros.
    if (count == 0) break;
    if (!put(buffer.data(), static_cast<std::size_t>(count))) return false;
    left -= static_cast<std::uint64_t>(count);
  }
  return put_zeros(left) && pad(entry_.size);
}

bool TarOutput::describe(struct stat const& info, char kind, std::string_view path) {
  entry_.kind = kind;
  entry_.mode = info.st_mode & 07777;
  entry_.uid = info.st_uid;
  entry_.gid = info.st_gid;
  entry_.seconds = info.st_mtim.tv_sec;
  entry_.size = kind == TarEntry::kFile ? static_cast<std::uint64_t>(info.st_size) : 0;
  set_text(entry_.link, "");
  entry_.capability_size = 0;
  if (set_text(entry_.path, path)) return true;
  report(path, "its path is too long");
  return false;
}

}  // namespace bh::init
