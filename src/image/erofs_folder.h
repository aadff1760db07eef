#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "image/file_tree.h"

namespace bh::image::erofs {

/// A name of a folder, "." and ".." among them.
struct FolderName {
  std::string_view name;
  FileTree::InodeNumber inode;
  std::uint8_t type;
};

/// Bytes that a folder of these names takes, which are in the order of their bytes.
std::uint64_t folder_size(std::span<FolderName const> names);

/// The folder itself; `number_of` says where an inode stands in the metadata, in slots.
std::string folder_content(std::span<FolderName const> names,
                           std::function<std::uint64_t(FileTree::InodeNumber)> const& number_of);

}  // namespace bh::image::erofs
