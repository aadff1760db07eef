#include "image/layer_entry.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "image/limits.h"

namespace bh::image {

namespace {

// The OCI image specification, layer.md ("Whiteouts").
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kDriver = ".wh..wh.";

std::string shown(std::string_view path) {
  constexpr std::size_t kMost = 200;
  std::string text(path.substr(0, kMost));
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return "\"" + text + (path.size() > kMost ? "...\"" : "\"");
}

struct Node {
  std::string_view path;
  bool block;
  unsigned major;
  unsigned minor;
};

// Linux Documentation/admin-guide/devices.txt. Machines have them in a /dev of their own.
constexpr std::array kUsualNodes{
    Node{"dev/null", false, 1, 3},    Node{"dev/zero", false, 1, 5},
    Node{"dev/full", false, 1, 7},    Node{"dev/random", false, 1, 8},
    Node{"dev/urandom", false, 1, 9}, Node{"dev/tty", false, 5, 0},
    Node{"dev/console", false, 5, 1}, Node{"dev/ptmx", false, 5, 2},
    Node{"dev/tty0", false, 4, 0},    Node{"dev/tty1", false, 4, 1},
    Node{"dev/fuse", false, 10, 229}, Node{"dev/net/tun", false, 10, 200},
    Node{"dev/kmsg", false, 1, 11},   Node{"dev/initctl", false, 0, 0},
};

Result<std::optional<Entry>> check_node(archive_entry* entry, std::string const& path) {
  auto const device = ::archive_entry_rdev(entry);
  bool const block = ::archive_entry_filetype(entry) == AE_IFBLK;
  for (auto const& node : kUsualNodes) {
    if (path == node.path && block == node.block && major(device) == node.major &&
        minor(device) == node.minor) {
      return std::nullopt;
    }
  }
  return fail(Errc::Denied, shown(path) + " is a device node (" +
                                (block ? "block " : "character ") + std::to_string(major(device)) +
                                ":" + std::to_string(minor(device)) +
                                "); images bring no devices, machines are given them");
}

using NameAndValue = std::pair<std::string, std::string>;

/// overlayfs would obey what it keeps in trusted.overlay and user.overlay, and labels are those of
/// the host that the layer was made on.
bool is_kept(std::string_view attribute) {
  return (attribute.starts_with("user.") && !attribute.starts_with("user.overlay.")) ||
         attribute == "security.capability" || attribute == "system.posix_acl_access" ||
         attribute == "system.posix_acl_default";
}

Result<> read_attributes(archive_entry* entry, Entry& out) {
  ::archive_entry_xattr_reset(entry);
  char const* name = nullptr;
  void const* value = nullptr;
  std::size_t size = 0;
  std::size_t total = 0;
  while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (name == nullptr || !is_kept(name)) continue;
    std::string const named(name);
    total += named.size() + size;
    if (total > kMostAttributeBytes || named.size() > kLongestComponent) {
      return fail(Errc::Invalid, shown(out.path) + " has more extended attributes than " +
                                     std::to_string(kMostAttributeBytes) + " bytes");
    }
    out.attributes.emplace_back(named, std::string(static_cast<char const*>(value), size));
  }
  // Some tars say the same in two ways.
  std::ranges::sort(out.attributes);
  auto const [first, last] = std::ranges::unique(out.attributes, {}, &NameAndValue::first);
  out.attributes.erase(first, last);
  return {};
}

Result<> read_kind(archive_entry* entry, Entry& out) {
  if (char const* const target = ::archive_entry_hardlink(entry); target != nullptr) {
    out.kind = EntryKind::HardLink;
    out.link = BH_TRY(clean_path(target));
    if (out.link.empty()) return fail(Errc::Invalid, shown(out.path) + " is a link to the root");
    return {};
  }
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG: out.kind = EntryKind::File; return {};
    case AE_IFDIR: out.kind = EntryKind::Folder; return {};
    case AE_IFIFO: out.kind = EntryKind::Fifo; return {};
    case AE_IFLNK: {
      out.kind = EntryKind::SymbolicLink;
      char const* const target = ::archive_entry_symlink(entry);
      out.link = target == nullptr ? "" : target;
      if (out.link.empty() || out.link.size() > kLongestPath) {
        return fail(Errc::Invalid, shown(out.path) + " is a symbolic link to nothing Linux takes");
      }
      return {};
    }
    default: return fail(Errc::Invalid, shown(out.path) + " is of a kind no image has");
  }
}

/// Splits off the last component, and tells what a whiteout's name means. False: leave it out.
Result<bool> read_whiteout(Entry& out) {
  auto const slash = out.path.rfind('/');
  auto const start = slash == std::string::npos ? 0 : slash + 1;
  auto const name = std::string_view(out.path).substr(start);
  if (!name.starts_with(kWhiteout)) return true;
  auto const folder = out.path.substr(0, slash == std::string::npos ? 0 : slash);
  if (name == kOpaque) {
    out.kind = EntryKind::Opaque;
    out.path = folder;
    return true;
  }
  if (name.starts_with(kDriver)) return false;
  auto const hidden = std::string(name.substr(kWhiteout.size()));
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return fail(Errc::Invalid, shown(out.path) + " hides no name");
  }
  out.kind = EntryKind::Whiteout;
  out.path = folder.empty() ? hidden : folder + "/" + hidden;
  return true;
}

}  // namespace

Result<std::string> clean_path(std::string_view path) {
  std::string clean;
  std::size_t depth = 0;
  for (auto rest = path; !rest.empty();) {
    auto const slash = rest.find('/');
    auto const part = rest.substr(0, slash);
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return fail(Errc::Denied, shown(path) + " leads out of the image");
    if (part.size() > kLongestComponent || part.find('\0') != part.npos || ++depth > kDeepestPath) {
      return fail(Errc::Invalid, shown(path) + " is no path that Linux takes");
    }
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  if (clean.size() > kLongestPath) {
    return fail(Errc::Invalid, shown(path) + " is longer than " + std::to_string(kLongestPath));
  }
  return clean;
}

Result<std::optional<Entry>> read_entry(archive_entry* entry) {
  char const* const path = ::archive_entry_pathname(entry);
  if (path == nullptr) return fail(Errc::Invalid, "an entry whose name is no text");
  Entry out;
  out.path = BH_TRY(clean_path(path));
  bool const wanted = BH_TRY(read_whiteout(out));
  if (!wanted) return std::nullopt;
  // Whatever file stands for a whiteout: umoci's have mode 0.
  if (out.kind == EntryKind::Whiteout || out.kind == EntryKind::Opaque) return out;
  auto const type = ::archive_entry_filetype(entry);
  if (::archive_entry_hardlink(entry) == nullptr && (type == AE_IFCHR || type == AE_IFBLK)) {
    return check_node(entry, out.path);
  }
  BH_TRY(read_kind(entry, out));
  if (out.path.empty() && out.kind != EntryKind::Folder) {
    return fail(Errc::Invalid, "the root of the image is no folder");
  }

  auto const uid = ::archive_entry_uid(entry);
  auto const gid = ::archive_entry_gid(entry);
  auto const size = ::archive_entry_size(entry);
  // (uid_t)-1 means "leave it" to chown(2).
  constexpr la_int64_t kMostId = 0xffff'fffe;
  if (uid < 0 || uid > kMostId || gid < 0 || gid > kMostId) {
    return fail(Errc::Invalid, shown(out.path) + " has an owner that no Linux has");
  }
  if (size < 0 || static_cast<std::uint64_t>(size) > kLargestLayer) {
    return fail(Errc::Invalid, shown(out.path) + " is larger than " + size_text(kLargestLayer));
  }
  out.mode = ::archive_entry_perm(entry) & 07777;
  out.uid = static_cast<std::uint32_t>(uid);
  out.gid = static_cast<std::uint32_t>(gid);
  out.seconds = ::archive_entry_mtime(entry);
  out.nanoseconds =
      static_cast<std::uint32_t>(std::clamp(::archive_entry_mtime_nsec(entry), 0L, 999'999'999L));
  out.size = out.kind == EntryKind::File ? static_cast<std::uint64_t>(size) : 0;
  BH_TRY(read_attributes(entry, out));
  return out;
}

}  // namespace bh::image
