#include "init/mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "init/folders.h"
#include "init/mount_line.h"
#include "init/report.h"

namespace bh::init {

namespace {

using Text = std::array<char, PATH_MAX>;

bool copy_text(std::string_view text, Text& out) {
  if (text.size() >= out.size()) return false;
  std::ranges::copy(text, out.begin());
  out[text.size()] = '\0';
  return true;
}

bool mount_line(std::string_view text) {
  MountLine line;
  Text type{};
  Text source{};
  Text options{};
  Text path{};
  if (!parse_mount_line(text, line) || !copy_text(line.type, type) ||
      !copy_text(line.source, source) || !copy_text(line.options, options) ||
      !copy_text(line.path, path)) {
    report("mount", "its setting is none");
    return false;
  }
  make_folders(line.path);
  unsigned long flags = MS_NODEV;
  if (line.read_only) flags |= MS_RDONLY;
  if (line.type == "tmpfs") flags |= MS_NOSUID | MS_NOEXEC;
  if (::mount(source.data(), path.data(), type.data(), flags, options.data()) == 0) return true;
  report_errno("mount at", line.path, errno);
  return false;
}

}  // namespace

bool mount_more(Settings const& settings) {
  bool mounted = true;
  settings.each("mount", [&](std::string_view line) { mounted = mounted && mount_line(line); });
  return mounted;
}

bool protect_root(Settings const& settings) {
  if (!settings.find("readonly")) return true;
  // The command starts there, and nobody can make it later.
  make_folders(settings.find("folder").value_or("/"));
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0) return true;
  report_errno("make read only", "the root", errno);
  return false;
}

}  // namespace bh::init
