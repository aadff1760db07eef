#include "machine/copy/sinks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "machine/wire/copy_place.h"

namespace bh::machine {

namespace {

using image::Entry;
using image::EntryKind;

constexpr std::uint32_t kSetIds = 06000;

std::string below(std::string const& name, std::string const& path) {
  if (name.empty() || path.empty()) return name + path;
  return name + "/" + path;
}

}  // namespace

Result<> RenamedRoot::take(Entry const& entry, image::Content& content) {
  if (entry.kind == EntryKind::Whiteout || entry.kind == EntryKind::Opaque) {
    return fail(Errc::Unsupported, "\"" + entry.path +
                                       "\" is a name that means something else in "
                                       "tars of images (rename it)");
  }
  if (!first_ && single_) return fail(Errc::Corrupt, "wrong tar: more than the one file");
  bool const root = first_;
  first_ = false;
  auto changed = entry;
  changed.attributes.clear();
  if (owners_.owner) {
    std::tie(changed.uid, changed.gid) = *owners_.owner;
    changed.mode &= ~kSetIds;
  }
  if (root && !entry.path.empty()) {
    single_ = true;
    if (name_.empty() || entry.kind == EntryKind::HardLink) {
      return fail(Errc::Corrupt, "wrong tar: its root is no folder");
    }
    changed.path = name_;
    return inner_.take(changed, content);
  }
  changed.path = below(name_, entry.path);
  if (entry.kind == EntryKind::HardLink) changed.link = below(name_, entry.link);
  // A folder that is there already stays as it is.
  if (changed.path.empty()) return {};
  return inner_.take(changed, content);
}

Result<> PlacedCopy::take(Entry const& entry, image::Content& content) {
  if (!folder_) BH_TRY(choose(entry.path.empty()));
  if (renamed_) return renamed_->take(entry, content);
  if (entry.kind == EntryKind::Whiteout || entry.kind == EntryKind::Opaque) {
    return fail(Errc::Unsupported, "\"" + entry.path + "\" is no file");
  }
  auto changed = entry;
  changed.attributes.clear();
  if (changed.path.empty()) return {};
  return folder_->take(changed, content);
}

Result<> PlacedCopy::choose(bool source_is_folder) {
  auto const& path = request_.path;
  auto const target = open_(path, O_PATH);
  if (!target && target.error().code != Errc::NotFound) return std::unexpected(target.error());
  struct stat info{};
  if (target && ::fstat(target->get(), &info) != 0) return fail_errno("stat " + path, errno);
  bool const is_folder = target && S_ISDIR(info.st_mode);
  if (request_.archive) {
    if (is_folder) return enter(path, {});
    return fail(Errc::NotFound, "\"" + path +
                                    "\" is no folder (a tar is unpacked into one that is "
                                    "there)");
  }
  auto const last = last_name_of(path);
  switch (wire::copy_place({.source_is_folder = source_is_folder,
                            .content_only = request_.content,
                            .target_is_there = target.has_value(),
                            .target_is_folder = is_folder,
                            .target_is_said_to_be_folder = path.ends_with('/') || last.content})) {
    case wire::CopyPlace::ContentInTarget: return enter(path, "");
    case wire::CopyPlace::InTarget: return enter(path, request_.name);
    case wire::CopyPlace::NoSuchFolder:
      return fail(Errc::NotFound, "there is no folder \"" + path + "\" (make it first)");
    case wire::CopyPlace::NotAFolder:
      return fail(Errc::Exists, "\"" + path + "\" is there already and no folder");
    case wire::CopyPlace::AsTarget: break;
  }
  auto end = path.find_last_not_of('/') + 1;
  while (path.substr(0, end).ends_with("/.")) end = path.find_last_not_of('/', end - 2) + 1;
  auto const slash = path.rfind('/', end - 1);
  if (slash == path.npos) return enter(".", path.substr(0, end));
  return enter(path.substr(0, slash + 1), path.substr(slash + 1, end - slash - 1));
}

Result<> PlacedCopy::enter(std::string const& folder, std::string name) {
  auto opened = BH_TRY(open_(folder, O_PATH | O_DIRECTORY));
  folder_ = std::make_unique<image::LayerFolder>(std::move(opened), image::Replace::SameKind);
  if (!request_.archive) {
    renamed_ = std::make_unique<RenamedRoot>(*folder_, std::move(name), owners_);
  }
  return {};
}

Result<> PlacedCopy::finish() {
  if (!folder_) return fail(Errc::Corrupt, "nothing came to be copied");
  return folder_->finish();
}

}  // namespace bh::machine
