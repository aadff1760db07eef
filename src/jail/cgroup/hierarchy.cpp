#include "jail/cgroup/hierarchy.h"

#include <algorithm>
#include <array>
#include <optional>

namespace bh::jail {

namespace {

/// Splits off what stands before `separator`.
std::string_view take(std::string_view& text, char separator) {
  auto const end = text.find(separator);
  auto const part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) parts.emplace_back(take(text, separator));
  return parts;
}

/// proc(5): blanks, tabs, line ends and backslashes of a path are octal in mountinfo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Mount {
  CgroupHierarchy hierarchy;
  std::string root;  // What of the tree is mounted there.
};

/// Options of a v1 mount that are no controller.
bool is_controller(std::string_view option) {
  constexpr std::array kNot = {"rw", "ro", "clone_children", "xattr", "noprefix", "favordynmods"};
  return std::ranges::find(kNot, option) == kNot.end() && !option.starts_with("release_agent=");
}

std::optional<Mount> parse_mount(std::string_view line) {
  take(line, ' ');  // Mount id.
  take(line, ' ');  // Parent.
  take(line, ' ');  // Device.
  Mount mount;
  mount.root = unescaped(take(line, ' '));
  mount.hierarchy.mount_point = unescaped(take(line, ' '));
  auto const dash = line.find(" - ");
  if (dash == line.npos) return std::nullopt;
  line.remove_prefix(dash + 3);
  auto const type = take(line, ' ');
  take(line, ' ');  // Source.
  mount.hierarchy.unified = type == "cgroup2";
  if (type != "cgroup" && type != "cgroup2") return std::nullopt;
  if (type == "cgroup") {
    for (auto& option : split(line, ',')) {
      if (is_controller(option)) mount.hierarchy.controllers.push_back(std::move(option));
    }
  }
  return mount;
}

/// The part of `path` below `root`; "/" when it is elsewhere.
std::string below(std::string_view path, std::string_view root) {
  if (root == "/") return path.empty() ? "/" : std::string(path);
  if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/'))
    return "/";
  auto const rest = path.substr(root.size());
  return rest.empty() ? "/" : std::string(rest);
}

/// The path in /proc/self/cgroup of the tree that `hierarchy` is.
std::string_view own_path(CgroupHierarchy const& hierarchy, std::string_view own) {
  while (!own.empty()) {
    auto line = take(own, '\n');
    auto const number = take(line, ':');
    auto const controllers = take(line, ':');
    bool const same = hierarchy.unified
                          ? number == "0" && controllers.empty()
                          : std::ranges::any_of(split(controllers, ','), [&](auto const& name) {
                              return hierarchy.has(name);
                            });
    if (same) return line;
  }
  return "/";
}

}  // namespace

bool CgroupHierarchy::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

CgroupHierarchy const* CgroupHierarchies::unified() const {
  for (auto const& hierarchy : all) {
    if (hierarchy.unified) return &hierarchy;
  }
  return nullptr;
}

CgroupHierarchy const* CgroupHierarchies::legacy(std::string_view controller) const {
  for (auto const& hierarchy : all) {
    if (!hierarchy.unified && hierarchy.has(controller)) return &hierarchy;
  }
  return nullptr;
}

bool CgroupHierarchies::has_legacy() const {
  return std::ranges::any_of(all, [](auto const& one) { return !one.unified; });
}

CgroupHierarchies parse_hierarchies(std::string_view mountinfo, std::string_view own) {
  CgroupHierarchies out;
  while (!mountinfo.empty()) {
    auto mount = parse_mount(take(mountinfo, '\n'));
    if (!mount) continue;
    auto& found = mount->hierarchy;
    // The same tree may be mounted again elsewhere; the first place is the usual one.
    bool const again = std::ranges::any_of(out.all, [&](auto const& known) {
      return known.unified == found.unified && known.controllers == found.controllers;
    });
    if (again) continue;
    found.own_path = below(own_path(found, own), mount->root);
    out.all.push_back(std::move(found));
  }
  return out;
}

}  // namespace bh::jail
