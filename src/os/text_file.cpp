#include "os/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace bh::os {

namespace {

constexpr std::size_t kChunk = 4096;

/// A value as an error shows it: one line, not endless.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string out(text.substr(0, kMost));
  for (char& letter : out) {
    if (static_cast<unsigned char>(letter) < ' ') letter = ' ';
  }
  return text.size() > kMost ? out + "..." : out;
}

}  // namespace

Result<UniqueFd> open_at(int folder, std::string const& path, int flags, unsigned mode) {
  int const fd = ::openat(folder, path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return fail_errno("open " + path, errno);
  return UniqueFd(fd);
}

Result<std::string> read_text(UniqueFd const& file, std::size_t limit) {
  std::string text;
  std::size_t used = 0;
  while (true) {
    if (text.size() - used < kChunk) text.resize(text.size() + kChunk * (used == 0 ? 1 : 4));
    ssize_t const count = ::read(file.get(), text.data() + used, text.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", errno);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    if (used > limit) {
      return fail(Errc::Invalid, "longer than " + std::to_string(limit) + " bytes");
    }
  }
  text.resize(used);
  return text;
}

Result<std::string> read_text_at(int folder, std::string const& path, std::size_t limit) {
  auto const file = BH_TRY(open_at(folder, path, O_RDONLY));
  auto text = read_text(file, limit);
  if (!text) return std::unexpected(std::move(text).error().while_doing("read " + path));
  return text;
}

Result<> write_text(UniqueFd const& file, std::string_view text) {
  while (::write(file.get(), text.data(), text.size()) < 0) {
    if (errno != EINTR) return fail_errno("write \"" + shown(text) + "\"", errno);
  }
  return {};
}

Result<> write_text_at(int folder, std::string const& path, std::string_view text) {
  auto const file = BH_TRY(open_at(folder, path, O_WRONLY));
  auto written = write_text(file, text);
  if (!written) return std::unexpected(std::move(written).error().while_doing(path));
  return {};
}

Result<> replace_text_at(int folder, std::string const& path, std::string_view text) {
  std::string const fresh = path + ".new";
  auto const file = BH_TRY(open_at(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  while (!text.empty()) {
    ssize_t const count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write " + fresh, errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::renameat(folder, fresh.c_str(), folder, path.c_str()) != 0) {
    return fail_errno("rename " + fresh, errno);
  }
  return {};
}

}  // namespace bh::os
