#pragma once

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bh::init {

inline constexpr std::size_t kTarBlock = 512;

/// What a tar says of a file (POSIX, pax), in storage of a fixed size.
struct TarEntry {
  static constexpr char kFile = '0';
  static constexpr char kHardLink = '1';
  static constexpr char kSymbolicLink = '2';
  static constexpr char kFolder = '5';
  static constexpr char kFifo = '6';
  static constexpr char kExtended = 'x';  // Its content is about the next entry.
  static constexpr char kGlobal = 'g';

  char kind = kFile;
  std::uint32_t mode = 0;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint64_t size = 0;
  std::int64_t seconds = 0;
  std::array<char, PATH_MAX> path{};  // Ended with NUL; so is
  std::array<char, PATH_MAX> link{};  // the target of a link.
  // A program's capabilities (security.capability, xattr(7)), only written; at most version 3.
  std::array<char, 24> capability{};
  std::size_t capability_size = 0;
};

/// Puts a text where it fits; false where it does not.
bool set_text(std::array<char, PATH_MAX>& out, std::string_view text);
std::string_view text_of(std::array<char, PATH_MAX> const& text);

/// Reads one block. False if it is no header; a block of zeros is none either.
bool parse_tar_header(char const* block, TarEntry& out);
/// Takes over what the content of an extended header says. False if it is none.
bool parse_extended(std::string_view content, TarEntry& out);

/// What an entry needs in front of its header for what has no room in that; 0: nothing.
/// `out` has kExtendedBytes.
inline constexpr std::size_t kExtendedBytes = std::size_t{2} * PATH_MAX + kTarBlock;
std::size_t format_extended(TarEntry const& entry, char* out);
/// `block` has kTarBlock bytes. Names that are too long are cut off.
void format_tar_header(TarEntry const& entry, char* block);

}  // namespace bh::init
