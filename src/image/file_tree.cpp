#include "image/file_tree.h"

#include <utility>

#include "image/limits.h"

namespace bh::image {

namespace {

/// "a/b" and "c" of "a/b/c".
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  auto const slash = path.rfind('/');
  if (slash == path.npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

void copy_attributes(Entry const& entry, FileTree::Inode& inode) {
  inode.mode = entry.mode;
  inode.uid = entry.uid;
  inode.gid = entry.gid;
  inode.seconds = entry.seconds;
  inode.nanoseconds = entry.nanoseconds;
  inode.attributes = entry.attributes;
}

}  // namespace

FileTree::FileTree() : inodes_(1) {}

Result<FileTree::InodeNumber> FileTree::make_inode(Entry const& entry) {
  name_bytes_ += entry.path.size() + entry.link.size();
  for (auto const& [name, value] : entry.attributes) name_bytes_ += name.size() + value.size();
  if (inodes_.size() >= kMostEntries || name_bytes_ > kMostNameBytes) {
    return fail(Errc::Denied, "the image has more than " + std::to_string(kMostEntries) +
                                  " files or " + size_text(kMostNameBytes) + " of names");
  }
  auto& inode = inodes_.emplace_back();
  inode.kind = entry.kind;
  inode.size = entry.size;
  inode.link = entry.link;
  copy_attributes(entry, inode);
  return static_cast<InodeNumber>(inodes_.size() - 1);
}

Result<FileTree::InodeNumber> FileTree::folder_at(std::string_view path) {
  InodeNumber folder = kRoot;
  for (auto rest = path; !rest.empty();) {
    auto const slash = rest.find('/');
    auto const part = rest.substr(0, slash);
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
    auto found = inodes_[folder].children.find(part);
    bool const is_folder = found != inodes_[folder].children.end() &&
                           inodes_[found->second.inode].kind == EntryKind::Folder;
    if (!is_folder) {
      if (found != inodes_[folder].children.end() && found->second.layer == layer_) {
        return fail(Errc::Denied, "\"" + std::string(path) +
                                      "\" goes through a symbolic link or a file; folders of a "
                                      "layer must be folders");
      }
      // A folder nobody describes hides what a lower layer has there.
      Entry entry;
      entry.kind = EntryKind::Folder;
      entry.path = part;
      entry.mode = 0755;
      auto const made = BH_TRY(make_inode(entry));
      found =
          inodes_[folder].children.insert_or_assign(std::string(part), Name{made, layer_}).first;
    }
    found->second.layer = layer_;
    folder = found->second.inode;
  }
  return folder;
}

FileTree::Name const* FileTree::find(std::string_view path) const {
  static constexpr Name kRootName{kRoot, 0};
  Name const* found = &kRootName;
  for (auto rest = path; !rest.empty();) {
    auto const slash = rest.find('/');
    auto const part = rest.substr(0, slash);
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
    auto const& children = inodes_[found->inode].children;
    auto const child = children.find(part);
    if (child == children.end()) return nullptr;
    found = &child->second;
  }
  return found;
}

Result<FileTree::InodeNumber> FileTree::take(Entry const& entry) {
  if (entry.kind == EntryKind::Whiteout) {
    BH_TRY(whiteout(entry.path));
    return kNone;
  }
  if (entry.kind == EntryKind::Opaque) {
    auto const folder = BH_TRY(folder_at(entry.path));
    keep_of_this_layer(folder);
    return kNone;
  }
  if (entry.path.empty()) {
    copy_attributes(entry, inodes_[kRoot]);
    return kNone;
  }
  auto const [above, name] = split(entry.path);
  auto const parent = BH_TRY(folder_at(above));
  if (entry.kind == EntryKind::HardLink) return add_link(entry, parent, name);
  return add(entry, parent, name);
}

Result<FileTree::InodeNumber> FileTree::add(Entry const& entry, InodeNumber parent,
                                            std::string_view name) {
  auto const found = inodes_[parent].children.find(name);
  if (entry.kind == EntryKind::Folder && found != inodes_[parent].children.end() &&
      inodes_[found->second.inode].kind == EntryKind::Folder) {
    found->second.layer = layer_;
    copy_attributes(entry, inodes_[found->second.inode]);
    return kNone;
  }
  auto const made = BH_TRY(make_inode(entry));
  inodes_[parent].children.insert_or_assign(std::string(name), Name{made, layer_});
  return entry.kind == EntryKind::File ? made : kNone;
}

Result<FileTree::InodeNumber> FileTree::add_link(Entry const& entry, InodeNumber parent,
                                                 std::string_view name) {
  auto const* const target = find(entry.link);
  if (target == nullptr || target->layer != layer_ ||
      inodes_[target->inode].kind == EntryKind::Folder) {
    return fail(Errc::Corrupt, "\"" + entry.path + "\" is a hard link to \"" + entry.link +
                                   "\", which is no file of this layer");
  }
  Name const linked = *target;
  inodes_[parent].children.insert_or_assign(std::string(name), linked);
  return kNone;
}

Result<> FileTree::whiteout(std::string const& path) {
  auto const [above, name] = split(path);
  auto const parent = BH_TRY(folder_at(above));
  auto& children = inodes_[parent].children;
  auto const found = children.find(name);
  if (found == children.end()) return {};
  if (found->second.layer != layer_) {
    children.erase(found);
  } else {
    // This layer has it as well; only what lower ones have in it goes.
    keep_of_this_layer(found->second.inode);
  }
  return {};
}

void FileTree::keep_of_this_layer(InodeNumber folder) {
  auto& children = inodes_[folder].children;
  std::erase_if(children, [this](auto const& child) { return child.second.layer != layer_; });
  for (auto const& [name, child] : children) keep_of_this_layer(child.inode);
}

}  // namespace bh::image
