#include "machine/mount.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "image/build/root_path.h"
#include "image/json.h"
#include "machine/machine_name.h"

namespace bh::machine {

namespace {

constexpr std::array kKinds{std::pair{MountKind::Volume, "volume"},
                            std::pair{MountKind::Bind, "bind"},
                            std::pair{MountKind::Memory, "tmpfs"}};

// PATH_MAX of Linux, without the final zero.
constexpr std::size_t kLongestPath = 4095;

std::string_view kind_name(MountKind kind) {
  return std::ranges::find(kKinds, kind, &std::pair<MountKind, char const*>::first)->second;
}

Result<MountKind> parse_kind(std::string_view text) {
  for (auto const& [kind, name] : kKinds) {
    if (text == name) return kind;
  }
  return fail(Errc::Invalid,
              "mount type \"" + std::string(text) + "\": must be volume, bind or tmpfs");
}

std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    auto const end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Result<std::string> folder_of(std::string const& text) {
  if (!text.starts_with('/') && !text.starts_with('.')) {
    return fail(Errc::Invalid, "\"" + text + "\": must be a path that starts with / or .");
  }
  std::error_code error;
  auto path = std::filesystem::absolute(text, error).lexically_normal().string();
  if (error) return fail_errno("find " + text, error.value());
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool is_number(std::string_view text, std::string_view digits) {
  constexpr std::size_t kMostDigits = 18;
  return !text.empty() && text.size() <= kMostDigits && text.find_first_not_of(digits) == text.npos;
}

Result<> check_memory_option(std::string_view option) {
  auto const equals = option.find('=');
  auto const name = option.substr(0, equals);
  auto value = equals == option.npos ? std::string_view() : option.substr(equals + 1);
  if (name == "mode" && is_number(value, "01234567")) return {};
  if (!value.empty() && std::string_view("kmgKMG").find(value.back()) != value.npos) {
    value.remove_suffix(1);
  }
  if (name == "size" && is_number(value, "0123456789")) return {};
  return fail(Errc::Invalid,
              fmt::format("\"{}\": must be size=BYTES (with k, m or g) or mode=OCTAL", option));
}

Result<> add_memory_option(Mount& mount, std::string const& option) {
  BH_TRY(check_memory_option(option));
  mount.options += (mount.options.empty() ? "" : ",") + option;
  return {};
}

/// Checks what one key of --mount says.
Result<> take_key(Mount& mount, std::string const& key, std::string const& value) {
  if (key == "type") {
    mount.kind = BH_TRY(parse_kind(value));
  } else if (key == "source" || key == "src") {
    mount.source = value;
  } else if (key == "target" || key == "destination" || key == "dst") {
    mount.target = BH_TRY(parse_mount_target(value));
  } else if (key == "readonly" || key == "ro") {
    bool const on = value.empty() || value == "true" || value == "1";
    if (!on && value != "false" && value != "0") {
      return fail(Errc::Invalid, key + " \"" + value + "\": must be true or false");
    }
    mount.read_only = on;
  } else if (key == "tmpfs-size") {
    return add_memory_option(mount, "size=" + value);
  } else if (key == "tmpfs-mode") {
    return add_memory_option(mount, "mode=" + value);
  } else {
    return fail(Errc::Invalid, "\"" + key +
                                   "\": must be type, source, target, readonly, tmpfs-size or "
                                   "tmpfs-mode");
  }
  return {};
}

Result<> check_source(Mount& mount) {
  if (mount.kind == MountKind::Bind) {
    mount.source = BH_TRY(folder_of(mount.source));
    return {};
  }
  if (mount.kind == MountKind::Volume && !mount.source.empty()) return check_name(mount.source);
  if (mount.kind == MountKind::Memory && !mount.source.empty()) {
    return fail(Errc::Invalid, "a tmpfs has no source");
  }
  return {};
}

}  // namespace

Result<std::string> parse_mount_target(std::string_view text) {
  // NUL and line ends would be the end of what is said about it elsewhere.
  bool const plain = std::ranges::none_of(text, [](char letter) { return letter < ' '; });
  if (!text.starts_with('/') || !plain || text.size() > kLongestPath) {
    return fail(Errc::Invalid, fmt::format("\"{}\": must be an absolute path", text));
  }
  auto target = image::build::absolute_path("/", text);
  for (std::string_view const taken : {"/proc", "/sys"}) {
    if (target == taken || target.starts_with(std::string(taken) + "/")) {
      return fail(Errc::Invalid, fmt::format("\"{}\": that is the kernel's place", text));
    }
  }
  if (target != "/") return target;
  return fail(Errc::Invalid, fmt::format("\"{}\": the root is the image's", text));
}

Result<Mount> parse_volume_option(std::string_view text) {
  auto const parts = parts_of(text, ':');
  constexpr std::size_t kMostParts = 3;
  if (parts.size() > kMostParts) {
    return fail(Errc::Invalid,
                fmt::format("\"{}\": must be [NAME|FOLDER:]PATH[:ro]; for paths with \":\" use "
                            "--mount",
                            text));
  }
  Mount mount;
  mount.target = BH_TRY(parse_mount_target(parts.size() == 1 ? parts[0] : parts[1]));
  if (parts.size() == 1) return mount;
  mount.source = parts[0];
  bool const is_path = mount.source.starts_with('/') || mount.source.starts_with('.');
  if (is_path) mount.kind = MountKind::Bind;
  if (mount.source.empty()) {
    return fail(Errc::Invalid, fmt::format("\"{}\": NAME or FOLDER expected before \":\"", text));
  }
  BH_TRY(check_source(mount));
  if (parts.size() == kMostParts && parts[2] != "ro" && parts[2] != "rw") {
    return fail(Errc::Invalid, fmt::format("\"{}\": must end with :ro or :rw", text));
  }
  mount.read_only = parts.back() == "ro" && parts.size() == kMostParts;
  return mount;
}

Result<Mount> parse_mount_option(std::string_view text) {
  Mount mount;
  for (auto const& part : parts_of(text, ',')) {
    auto const equals = part.find('=');
    auto const value = equals == part.npos ? "" : part.substr(equals + 1);
    BH_TRY(take_key(mount, part.substr(0, equals), value));
  }
  if (mount.target.empty()) return fail(Errc::Invalid, "target=PATH is missing");
  if (mount.kind != MountKind::Memory && !mount.options.empty()) {
    return fail(Errc::Invalid, "tmpfs-size and tmpfs-mode are for type=tmpfs");
  }
  BH_TRY(check_source(mount));
  return mount;
}

Result<Mount> parse_tmpfs_option(std::string_view text) {
  Mount mount{.kind = MountKind::Memory};
  auto const colon = text.find(':');
  mount.target = BH_TRY(parse_mount_target(text.substr(0, colon)));
  if (colon == text.npos) return mount;
  for (auto const& option : parts_of(text.substr(colon + 1), ',')) {
    BH_TRY(add_memory_option(mount, option));
  }
  return mount;
}

Result<> order_mounts(std::vector<Mount>& mounts) {
  std::ranges::sort(mounts, {}, [](Mount const& mount) {
    return std::pair(std::ranges::count(mount.target, '/'), std::string_view(mount.target));
  });
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (mounts[i].target != mounts[j].target) continue;
      return fail(Errc::Invalid, "two mounts at " + mounts[i].target);
    }
  }
  return {};
}

boost::json::object json_of(Mount const& mount) {
  boost::json::object json{{"type", kind_name(mount.kind)}, {"target", mount.target}};
  if (!mount.source.empty()) json["source"] = mount.source;
  if (!mount.options.empty()) json["options"] = mount.options;
  if (mount.read_only) json["read_only"] = true;
  return json;
}

Result<Mount> parse_mount(boost::json::object const& json) {
  Mount mount;
  auto const kind = BH_TRY(image::text_member(json, "type"));
  mount.kind = BH_TRY(parse_kind(kind));
  mount.source = BH_TRY(image::text_member(json, "source"));
  mount.target = BH_TRY(image::text_member(json, "target"));
  mount.options = BH_TRY(image::text_member(json, "options"));
  auto const* const read_only = json.if_contains("read_only");
  mount.read_only = read_only != nullptr && read_only->is_bool() && read_only->get_bool();
  return mount;
}

}  // namespace bh::machine
