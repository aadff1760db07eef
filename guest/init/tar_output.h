#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "init/tar_header.h"

namespace bh::init {

/// Writes a tar, an entry after the other. One at a time: they share their buffers. All return
/// false, having said why.
class TarOutput {
 public:
  TarOutput() = default;
  TarOutput(TarOutput const&) = delete;

  /// Where the bytes go.
  void open(int fd) { fd_ = fd; }

  /// What the next entry says, to be changed before put_header().
  TarEntry& entry() { return entry_; }
  /// Fills it with what is the same for all kinds.
  bool describe(struct stat const& info, char kind, std::string_view path);
  bool put_header();
  /// The entry's content, entry().size bytes of `file`; zeros where it became shorter meanwhile.
  bool put_content(int file, std::string_view path);
  /// The end of the tar.
  bool end() { return put_zeros(std::uint64_t{2} * kTarBlock); }

 private:
  bool put(char const* bytes, std::size_t size);
  bool put_zeros(std::uint64_t size);
  bool pad(std::uint64_t size);

  int fd_ = -1;
  TarEntry entry_;
  TarEntry about_;
};

}  // namespace bh::init
