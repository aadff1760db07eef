#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/layer_entry.h"

namespace bh::image {

/// Names and inodes of an image as overlayfs would show them, layer by layer, without contents.
class FileTree {
 public:
  using InodeNumber = std::uint32_t;
  using LayerNumber = std::uint16_t;

  struct Name {
    InodeNumber inode;
    LayerNumber layer;  // The last that said something of it.
  };
  struct Inode {
    EntryKind kind = EntryKind::Folder;  // File, Folder, SymbolicLink or Fifo.
    std::uint32_t mode = 0755;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::uint64_t size = 0;
    std::string link;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::uint64_t content = 0;  // The caller's: where it has put the content.
    std::map<std::string, Name, std::less<>> children;  // In the order of bytes.
  };

  FileTree();

  /// What follows is of the next layer up.
  void begin_layer() { ++layer_; }

  /// The inode of a file whose content is still to be kept; kNone if there is none to keep.
  static constexpr InodeNumber kNone = ~InodeNumber{0};
  Result<InodeNumber> take(Entry const& entry);

  static constexpr InodeNumber kRoot = 0;
  Inode const& inode(InodeNumber number) const { return inodes_[number]; }
  void set_content(InodeNumber number, std::uint64_t content) { inodes_[number].content = content; }
  std::size_t inode_count() const { return inodes_.size(); }

 private:
  Result<InodeNumber> add(Entry const& entry, InodeNumber parent, std::string_view name);
  Result<InodeNumber> add_link(Entry const& entry, InodeNumber parent, std::string_view name);
  Result<> whiteout(std::string const& path);
  /// The folder of that path, made if need be; of this layer from now on.
  Result<InodeNumber> folder_at(std::string_view path);
  /// nullptr if there is none.
  Name const* find(std::string_view path) const;
  Result<InodeNumber> make_inode(Entry const& entry);
  void keep_of_this_layer(InodeNumber folder);

  std::vector<Inode> inodes_;
  LayerNumber layer_ = 0;
  std::uint64_t name_bytes_ = 0;
};

}  // namespace bh::image
