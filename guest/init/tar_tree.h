#pragma once

#include <sys/stat.h>

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "init/tar_output.h"

namespace bh::init {

/// What a tar of a folder is for.
enum class TreeKind : std::uint8_t {
  Files,  // To be copied.
  Layer,  // An upper folder of overlayfs, as an OCI layer: with whiteouts, hard links, pipes and
          // capabilities of programs, without the files that the host gives a machine.
};

/// Writes folders with all that is in them, without what is mounted there, sockets and devices.
/// All return false, having said why.
class TarTree {
 public:
  TarTree(TarOutput& tar, TreeKind kind) : tar_(tar), kind_(kind) {}
  TarTree(TarTree const&) = delete;

  /// The folder `fd`, which is closed, as ".".
  bool put_folder(int fd);
  /// The symbolic link `name` in `folder` (or `folder` itself, for ""), as `path`.
  bool put_link(int folder, char const* name, struct stat const& info, std::string_view path);

 private:
  /// A path that grows and shrinks while folders are entered.
  struct Path {
    std::array<char, PATH_MAX> text{};
    std::size_t size = 0;

    [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
    bool add(std::string_view name);
  };

  bool enter(int fd, struct stat const& info);
  bool put_entries(int fd, dev_t device);
  bool put(int folder, char const* name, dev_t device);
  bool put_file(int folder, char const* name, struct stat const& info);
  bool put_marker(std::string_view name);
  bool put_whiteout(std::string_view name);
  bool left_out() const;

  TarOutput& tar_;
  TreeKind const kind_;
  Path path_;
};

}  // namespace bh::init
