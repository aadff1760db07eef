#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/error.h"

namespace bh::image {

enum class Owners : std::uint8_t { AsTheyAre, Root };
enum class Times : std::uint8_t { AsTheyAre, Zero };
/// Of an upper folder of overlayfs, whiteouts and opaque folders are written as layers have them.
enum class FolderKind : std::uint8_t { Plain, OverlayUpper };

struct TarOptions {
  Owners owners = Owners::AsTheyAre;
  Times times = Times::AsTheyAre;
  FolderKind kind = FolderKind::Plain;
  /// Whether to leave a path below the folder out, with all below it; none if it is empty.
  std::function<bool(std::string const& path, bool is_folder)> leaves_out;
};

using TarOutput = std::function<Result<>(std::span<std::byte const>)>;

/// Writes a tar of all that is below `folder`, the folder itself as "./": in the order of names, so
/// that the same files give the same tar. Sockets, devices and other file systems are left out.
Result<> tar_folder(std::string const& folder, TarOptions const& options, TarOutput const& write);

/// One file, link or folder of `folder` to be written under a name of its own.
struct TarItem {
  std::string source;  // Relative to the folder; none of its parts is followed if it is a link.
  std::string name;    // Empty for the content of a folder without the folder.
};
Result<> tar_items(int folder, std::span<TarItem const> items, TarOptions const& options,
                   TarOutput const& write);

}  // namespace bh::image
