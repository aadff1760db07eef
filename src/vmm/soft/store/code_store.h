#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "os/mapped_region.h"
#include "os/unique_fd.h"
#include "vmm/soft/store/code_image.h"

namespace bh::vmm::soft {

/// Translated code from one run to the next, in a file (docs/design/soft-cpu.md). What the file has
/// counts only for the program that wrote it, on the same model of CPU; a file of another, or a
/// damaged one, is empty. Any thread.
class CodeStore {
 public:
  /// A file that is not there is an empty one. It must be the user's own, and nobody else's to
  /// read or write; its folder has to exist.
  static Result<std::unique_ptr<CodeStore>> open(std::string const& path);

  /// The image of a source that `bytes`, what there is of a page from `page_offset` on, start with.
  /// `watch` is called with the source's size before the last look at the bytes. Valid as long as
  /// this.
  template <typename Watch>
  std::optional<CodeImage> find(std::span<std::uint8_t const> bytes, std::uint16_t page_offset,
                                unsigned mode, Watch watch) const {
    for (auto const size : CodeImage::kPrefixes) {
      if (size > bytes.size()) continue;
      auto const key = CodeImage::key_of(bytes.first(size), page_offset, mode);
      for (auto at = first(key); at; at = next(*at, key)) {
        auto const source = packed_source(image_at(*at));
        if (source.empty() || !starts_with(bytes, source)) continue;
        watch(source.size());
        if (!starts_with(bytes, source)) return std::nullopt;
        drop_behind();
        return unpacked(image_at(*at));
      }
    }
    return std::nullopt;
  }

  /// Keeps it for the next run.
  void add(CodeImage const& image);

  /// Writes the file anew if much was added.
  Result<> save();

 private:
  struct Slot {
    std::uint32_t key = 0;     // 0: empty
    std::uint32_t offset = 0;  // In the file.
  };

  explicit CodeStore(std::string path) : path_(std::move(path)) {}

  Result<> load();
  std::optional<std::size_t> first(std::uint32_t key) const;
  std::optional<std::size_t> next(std::size_t slot, std::uint32_t key) const;
  std::span<std::uint8_t const> image_at(std::size_t slot) const;
  static bool starts_with(std::span<std::uint8_t const> bytes,
                          std::span<std::uint8_t const> source);
  void drop_behind() const;
  Result<> start_file();
  Result<> write_out();
  std::vector<Slot> whole_index() const;

  std::string path_;
  os::MappedRegion file_;        // What was there, or nothing.
  std::size_t images_end_ = 0;   // In it. Behind it the index.
  std::span<Slot const> index_;  // A power of two, half of them empty at least.
  mutable std::atomic<unsigned> found_ = 0;

  std::mutex mutex_;  // For what follows.
  os::UniqueFd new_file_;
  std::uint64_t new_size_ = 0;  // Bytes written to it.
  std::vector<std::uint8_t> unwritten_;
  std::vector<Slot> new_slots_;
  boost::unordered_flat_set<std::uint64_t> known_;  // Hashes of the sources added.
  bool broken_ = false;                             // The new file cannot be written.
};

}  // namespace bh::vmm::soft
