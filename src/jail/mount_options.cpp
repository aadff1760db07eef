#include "jail/mount_options.h"

#include <sys/mount.h>

#include <optional>

namespace bh::jail {

namespace {

#ifndef MOUNT_ATTR_NOSYMFOLLOW
constexpr std::uint64_t MOUNT_ATTR_NOSYMFOLLOW = 0x00200000;
#endif

enum class Kind : std::uint8_t {
  Set,
  Clear,
  Access,  // One of the ways to keep access times: replaces the others.
  Data,
  DataOff,
  Propagate,
  Other
};

struct Option {
  std::string_view name;
  Kind kind;
  std::uint64_t value = 0;
};

// Each Set, Clear and Access option also exists with an r in front, for the whole tree.
constexpr Option kAttributes[] = {
    {"ro", Kind::Set, MOUNT_ATTR_RDONLY},
    {"rw", Kind::Clear, MOUNT_ATTR_RDONLY},
    {"nosuid", Kind::Set, MOUNT_ATTR_NOSUID},
    {"suid", Kind::Clear, MOUNT_ATTR_NOSUID},
    {"nodev", Kind::Set, MOUNT_ATTR_NODEV},
    {"dev", Kind::Clear, MOUNT_ATTR_NODEV},
    {"noexec", Kind::Set, MOUNT_ATTR_NOEXEC},
    {"exec", Kind::Clear, MOUNT_ATTR_NOEXEC},
    {"nodiratime", Kind::Set, MOUNT_ATTR_NODIRATIME},
    {"diratime", Kind::Clear, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", Kind::Set, MOUNT_ATTR_NOSYMFOLLOW},
    {"symfollow", Kind::Clear, MOUNT_ATTR_NOSYMFOLLOW},
    {"relatime", Kind::Access, MOUNT_ATTR_RELATIME},
    {"norelatime", Kind::Access, MOUNT_ATTR_STRICTATIME},
    {"noatime", Kind::Access, MOUNT_ATTR_NOATIME},
    {"atime", Kind::Access, MOUNT_ATTR_RELATIME},
    {"strictatime", Kind::Access, MOUNT_ATTR_STRICTATIME},
    {"nostrictatime", Kind::Access, MOUNT_ATTR_RELATIME},
};

constexpr Option kOthers[] = {
    {"bind", Kind::Other},
    {"rbind", Kind::Other},
    {"remount", Kind::Other},
    {"tmpcopyup", Kind::Other},
    {"idmap", Kind::Other},
    {"ridmap", Kind::Other},
    {"defaults", Kind::Other},
    {"sync", Kind::Data},
    {"async", Kind::DataOff},
    {"dirsync", Kind::Data},
    {"lazytime", Kind::Data},
    {"nolazytime", Kind::DataOff},
    {"mand", Kind::Data},
    {"nomand", Kind::DataOff},
    {"silent", Kind::DataOff},
    {"loud", Kind::DataOff},
    {"iversion", Kind::Data},
    {"noiversion", Kind::DataOff},
    {"acl", Kind::Data},
    {"noacl", Kind::Data},
    {"private", Kind::Propagate, MS_PRIVATE},
    {"slave", Kind::Propagate, MS_SLAVE},
    {"shared", Kind::Propagate, MS_SHARED},
    {"unbindable", Kind::Propagate, MS_UNBINDABLE},
    {"rprivate", Kind::Propagate, MS_PRIVATE | MS_REC},
    {"rslave", Kind::Propagate, MS_SLAVE | MS_REC},
    {"rshared", Kind::Propagate, MS_SHARED | MS_REC},
    {"runbindable", Kind::Propagate, MS_UNBINDABLE | MS_REC},
};

// Those of kAttributes with an r in front, spelled out so that `features` can name them.
constexpr std::string_view kTreeNames[] = {
    "rro",       "rrw",         "rnosuid",     "rsuid",     "rnodev",       "rdev",
    "rnoexec",   "rexec",       "rnodiratime", "rdiratime", "rnosymfollow", "rsymfollow",
    "rrelatime", "rnorelatime", "rnoatime",    "ratime",    "rstrictatime", "rnostrictatime"};

Option const* find(std::string_view name, std::span<Option const> options) {
  for (auto const& option : options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

void apply_attribute(Option const& option, std::uint64_t& set, std::uint64_t& clear) {
  switch (option.kind) {
    case Kind::Set:
      set |= option.value;
      clear &= ~option.value;
      break;
    case Kind::Clear:
      clear |= option.value;
      set &= ~option.value;
      break;
    default:
      // mount_setattr(2): to set one of the access times, all of them are cleared.
      clear |= MOUNT_ATTR__ATIME;
      set = (set & ~std::uint64_t{MOUNT_ATTR__ATIME}) | option.value;
  }
}

void apply_other(std::string_view name, MountOptions& out) {
  if (name == "bind" && out.bind == Bind::No) out.bind = Bind::Mount;
  if (name == "rbind") out.bind = Bind::Tree;
  if (name == "remount") out.remount = true;
  if (name == "tmpcopyup") out.copy_up = true;
  if (name == "idmap" && out.id_mapped == IdMapped::No) out.id_mapped = IdMapped::Mount;
  if (name == "ridmap") out.id_mapped = IdMapped::Tree;
}

}  // namespace

Result<MountOptions> parse_mount_options(std::span<std::string const> options) {
  MountOptions out;
  for (auto const& name : options) {
    if (auto const* const attribute = find(name, kAttributes)) {
      apply_attribute(*attribute, out.set, out.clear);
    } else if (auto const* const tree = name.starts_with('r')
                                            ? find(std::string_view(name).substr(1), kAttributes)
                                            : nullptr) {
      apply_attribute(*tree, out.set_tree, out.clear_tree);
    } else if (auto const* const other = find(name, kOthers)) {
      if (other->kind == Kind::Propagate) {
        out.propagation.push_back({.type = other->value & ~std::uint64_t{MS_REC},
                                   .recursive = (other->value & MS_REC) != 0});
      } else if (other->kind == Kind::Data) {
        out.data.push_back(name);
      } else if (other->kind == Kind::Other) {
        apply_other(name, out);
      }
    } else if (!name.empty()) {
      out.data.push_back(name);
    }
  }
  if (out.copy_up && out.bind != Bind::No) {
    return fail(Errc::Invalid, "tmpcopyup goes with a tmpfs, not with a bind mount");
  }
  return out;
}

std::vector<std::string_view> known_mount_options() {
  std::vector<std::string_view> names;
  for (auto const& option : kAttributes) names.push_back(option.name);
  for (auto const& option : kOthers) names.push_back(option.name);
  names.insert(names.end(), std::begin(kTreeNames), std::end(kTreeNames));
  return names;
}

Result<Propagation> parse_propagation(std::string_view word) {
  auto const* const option = find(word, kOthers);
  if (option == nullptr || option->kind != Kind::Propagate) {
    return fail(Errc::Invalid, "\"" + std::string(word) +
                                   "\" is none of private, slave, shared and unbindable, with or "
                                   "without an r in front");
  }
  return Propagation{.type = option->value & ~std::uint64_t{MS_REC},
                     .recursive = (option->value & MS_REC) != 0};
}

}  // namespace bh::jail
