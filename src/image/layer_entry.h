#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

struct archive_entry;

namespace bh::image {

enum class EntryKind : std::uint8_t {
  File,
  Folder,
  SymbolicLink,
  HardLink,  // Another name of `link`, which came before in the same layer.
  Fifo,
  Whiteout,  // Lower layers have no `path` any more.
  Opaque,    // Nor anything in the folder `path`.
};

/// A checked entry of a layer's tar.
struct Entry {
  EntryKind kind = EntryKind::File;
  std::string path;        // As clean_path() makes it; empty for the root.
  std::string link;        // Of a symbolic link as it stands; of a hard link a clean path.
  std::uint32_t mode = 0;  // Permissions, set-id and sticky bits.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t seconds = 0;  // Of the last change of its content, since 1970.
  std::uint32_t nanoseconds = 0;
  std::uint64_t size = 0;
  std::vector<std::pair<std::string, std::string>> attributes;  // By name.
};

/// "a/b" of "./a//b/", "" of "/". Refuses "..", zeros and what is longer than Linux takes.
Result<std::string> clean_path(std::string_view path);

/// What an entry of a tar means. Nothing for what is left out: device nodes that every /dev has,
/// and files of the storage driver that made the layer. Refuses other device nodes.
Result<std::optional<Entry>> read_entry(archive_entry* entry);

}  // namespace bh::image
