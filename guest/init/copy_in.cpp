#include "init/copy_in.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "init/report.h"
#include "init/tar_header.h"
#include "machine/wire/copy_place.h"

namespace bh::init {

namespace {

using machine::wire::CopyPlace;

// Too large for a stack that nobody has grown yet.
std::array<char, std::size_t{64} * 1024> buffer;
TarEntry entry;
std::array<char, PATH_MAX> base;
std::array<char, PATH_MAX> path;
std::array<char, PATH_MAX> link_path;

bool get(char* bytes, std::size_t size) {
  while (size > 0) {
    ssize_t const count = ::read(STDIN_FILENO, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

std::uint64_t padding_of(std::uint64_t size) {
  return (kTarBlock - size % kTarBlock) % kTarBlock;
}

bool skip(std::uint64_t size) {
  while (size > 0) {
    auto const count = std::min<std::uint64_t>(size, buffer.size());
    if (!get(buffer.data(), count)) return false;
    size -= count;
  }
  return true;
}

bool wrong_tar() {
  report("the tar", "is damaged");
  return false;
}

/// The next header, with what is said about it in front. False at the end, and of no tar.
bool next_entry(bool& good) {
  std::array<char, kTarBlock> block{};
  bool extended = false;
  std::size_t length = 0;
  while (good) {
    good = get(block.data(), block.size());
    if (good && std::ranges::all_of(block, [](char byte) { return byte == 0; })) return false;
    good = good && parse_tar_header(block.data(), entry);
    if (!good) break;
    if (entry.kind != TarEntry::kExtended && entry.kind != TarEntry::kGlobal) {
      good = !extended || parse_extended({buffer.data(), length}, entry);
      break;
    }
    bool const own = entry.kind == TarEntry::kExtended;
    length = entry.size;
    good = length <= buffer.size() - kTarBlock && get(buffer.data(), length + padding_of(length));
    extended = own;
  }
  if (!good) wrong_tar();
  return good;
}

/// "a/b" of "./a/b/"; false if it leads elsewhere.
bool clean(std::string_view text, std::string_view& out) {
  while (text.starts_with("./") || text.starts_with('/')) {
    text.remove_prefix(text.starts_with('/') ? 1 : 2);
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  out = text == "." ? "" : text;
  for (auto rest = out; !rest.empty();) {
    auto const slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return wrong_tar();
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
  }
  return true;
}

/// `first`, '/' between, and `second`; either may be empty.
bool join(std::string_view first, std::string_view second, std::array<char, PATH_MAX>& out) {
  bool const both = !first.empty() && !second.empty() && !first.ends_with('/');
  if (first.size() + second.size() + 1 >= out.size()) {
    report(second, "its path is too long");
    return false;
  }
  auto at = std::ranges::copy(first, out.begin()).out;
  if (both) *at++ = '/';
  *std::ranges::copy(second, at).out = '\0';
  return true;
}

bool write_content(int file) {
  auto left = entry.size;
  while (left > 0) {
    auto const count = std::min<std::uint64_t>(left, buffer.size());
    if (!get(buffer.data(), count)) return wrong_tar();
    for (std::size_t at = 0; at < count;) {
      ssize_t const written = ::write(file, buffer.data() + at, count - at);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        report_errno("write", path.data(), errno);
        return false;
      }
      at += static_cast<std::size_t>(written);
    }
    left -= count;
  }
  return skip(padding_of(entry.size));
}

/// What is there gives way to what is of the same kind.
bool clear_way(bool for_folder) {
  struct stat info{};
  if (::lstat(path.data(), &info) != 0) return true;
  if (S_ISDIR(info.st_mode) != for_folder) {
    report(path.data(), for_folder ? "is no folder there already, and is not replaced"
                                   : "is a folder there already, and is not replaced");
    return false;
  }
  return for_folder || ::unlink(path.data()) == 0;
}

bool failed(char const* action) {
  report_errno(action, path.data(), errno);
  return false;
}

bool make_file() {
  int const file = ::open(path.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed("make");
  bool written = write_content(file);
  timespec const time{.tv_sec = entry.seconds, .tv_nsec = 0};
  std::array<timespec, 2> const times{time, time};
  if (written && (::fchown(file, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) ||
                  ::fchmod(file, entry.mode) || ::futimens(file, times.data()))) {
    written = failed("set the owner and mode of");
  }
  ::close(file);
  return written;
}

bool make_folder() {
  if (::mkdir(path.data(), 0700) != 0 && errno != EEXIST) return failed("make");
  if (::lchown(path.data(), static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) != 0 ||
      ::chmod(path.data(), entry.mode) != 0) {
    return failed("set the owner and mode of");
  }
  return true;
}

/// Folders that no entry of the tar was about.
bool make_parents(std::size_t known) {
  for (std::size_t i = known + 1; path[i] != '\0'; ++i) {
    if (path[i] != '/') continue;
    path[i] = '\0';
    struct stat info{};
    bool const there = ::mkdir(path.data(), 0755) == 0 ||
                       (::lstat(path.data(), &info) == 0 && S_ISDIR(info.st_mode));
    if (!there) {
      report(path.data(), "is no folder there");
      return false;
    }
    path[i] = '/';
  }
  return true;
}

bool make_one() {
  bool const is_folder = entry.kind == TarEntry::kFolder;
  if (!clear_way(is_folder)) return false;
  switch (entry.kind) {
    case TarEntry::kFile: return make_file();
    case TarEntry::kFolder: return make_folder();
    case TarEntry::kSymbolicLink:
      if (::symlink(entry.link.data(), path.data()) != 0) return failed("make");
      (void)!::lchown(path.data(), static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid));
      return true;
    case TarEntry::kHardLink: return ::link(link_path.data(), path.data()) == 0 || failed("link");
    case TarEntry::kFifo: return ::mkfifo(path.data(), entry.mode) == 0 || failed("make");
    default: return wrong_tar();
  }
}

/// Decides where the root of the tar goes: `base` is that, or the folder for what is in it.
bool choose(std::string_view target, bool source_is_folder, Settings const& settings,
            bool& content) {
  struct stat info{};
  std::array<char, PATH_MAX> text{};
  if (!join(target, "", text)) return false;
  bool const there = ::stat(text.data(), &info) == 0;
  bool const is_folder = there && S_ISDIR(info.st_mode);
  content = settings.find("archive").has_value();
  if (content) {
    if (is_folder) return join(target, "", base);
    report(target, "is no folder (a tar is unpacked into one that is there)");
    return false;
  }
  bool const slash = target.ends_with('/') || target.ends_with("/.") || target == ".";
  switch (machine::wire::copy_place({.source_is_folder = source_is_folder,
                                     .content_only = settings.find("content").has_value(),
                                     .target_is_there = there,
                                     .target_is_folder = is_folder,
                                     .target_is_said_to_be_folder = slash})) {
    case CopyPlace::ContentInTarget: content = true; return join(target, "", base);
    case CopyPlace::InTarget: return join(target, settings.find("name").value_or("file"), base);
    case CopyPlace::AsTarget: break;
    case CopyPlace::NoSuchFolder: report(target, "there is no such folder"); return false;
    case CopyPlace::NotAFolder: report(target, "is there already and no folder"); return false;
  }
  while (target.ends_with('/') || target.ends_with("/.")) target.remove_suffix(1);
  return join(target, "", base);
}

bool take_all(char const* target, Settings const& settings) {
  bool good = true;
  bool content = false;
  bool first = true;
  while (next_entry(good)) {
    std::string_view name;
    std::string_view link;
    if (!clean(text_of(entry.path), name)) return false;
    if (first && !choose(target, name.empty(), settings, content)) return false;
    // A single file is called what it is told to be.
    bool const single = first && !name.empty() && !content;
    first = false;
    std::string_view const root = text_of(base);
    if (name.empty() && content) continue;
    if (!join(root, single ? "" : name, path)) return false;
    if (entry.kind == TarEntry::kHardLink &&
        !(clean(text_of(entry.link), link) && join(root, link, link_path))) {
      return false;
    }
    if (!single && !name.empty() && !make_parents(root.size())) return false;
    if (!make_one()) return false;
  }
  return good;
}

}  // namespace

bool copy_in(char const* target, Settings const& settings) {
  if (!take_all(target, settings)) return false;
  // What is behind the end.
  while (::read(STDIN_FILENO, buffer.data(), buffer.size()) > 0) {
  }
  return true;
}

}  // namespace bh::init
