#include "image/erofs_folder.h"

#include "image/erofs_format.h"

namespace bh::image::erofs {

namespace {

/// How many of `names` go into one block, and the bytes they take.
struct Fill {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

Fill fill_block(std::span<FolderName const> names) {
  Fill fill;
  for (auto const& name : names) {
    auto const more = sizeof(FolderEntry) + name.name.size();
    if (fill.bytes + more > kBlock) break;
    fill.bytes += more;
    ++fill.count;
  }
  return fill;
}

}  // namespace

std::uint64_t folder_size(std::span<FolderName const> names) {
  std::uint64_t size = 0;
  while (true) {
    auto const fill = fill_block(names);
    names = names.subspan(fill.count);
    if (names.empty()) return size + fill.bytes;
    size += kBlock;
  }
}

std::string folder_content(std::span<FolderName const> names,
                           std::function<std::uint64_t(FileTree::InodeNumber)> const& number_of) {
  std::string content;
  while (!names.empty()) {
    auto const fill = fill_block(names);
    auto offset = fill.count * sizeof(FolderEntry);
    std::string text;
    for (auto const& name : names.first(fill.count)) {
      FolderEntry const entry{.inode = number_of(name.inode),
                              .name_offset = static_cast<std::uint16_t>(offset),
                              .type = name.type,
                              .reserved = 0};
      content.append(reinterpret_cast<char const*>(&entry), sizeof entry);
      text += name.name;
      offset += name.name.size();
    }
    content += text;
    names = names.subspan(fill.count);
    if (!names.empty()) content.resize((content.size() + kBlock - 1) / kBlock * kBlock);
  }
  return content;
}

}  // namespace bh::image::erofs
