#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/unique_fd.h"
#include "vmm/virtio/block/qcow2/table_cache.h"

namespace bh::vmm::virtio::qcow2::testing {

/// A qcow2 image in memory, made by hand and looked at by hand. Needs no GoogleTest.
class ImageFile {
 public:
  struct Options {
    std::uint32_t version = 3;
    unsigned cluster_bits = 16;
    std::uint64_t size = 0;
    std::uint64_t features = 0;  // Incompatible ones.
    std::string backing_file;
    std::string backing_format;
  };

  /// Clusters: header, refcount table, refcount block, L1.
  explicit ImageFile(Options const& options)
      : file_(::memfd_create("qcow2", MFD_CLOEXEC)), cluster_bits_(options.cluster_bits) {
    std::uint64_t const cluster = cluster_size();
    std::uint64_t const covered = cluster * cluster / 8;
    l1_entries_ = (options.size + covered - 1) / covered;
    std::uint64_t const l1_clusters = (l1_entries_ * 8 + cluster - 1) / cluster;
    if (::ftruncate(file_.get(), static_cast<off_t>((3 + l1_clusters) * cluster)) != 0)
      std::abort();
    put(0, 0x514649fb, 4);
    put(4, options.version, 4);
    put(20, cluster_bits_, 4);
    put(24, options.size, 8);
    put(36, l1_entries_, 4);
    put(40, 3 * cluster, 8);
    put(48, cluster, 8);
    put(56, 1, 4);
    put(72, options.features, 8);
    put(96, 4, 4);
    put(100, 112, 4);
    put(104, (options.features & 8) != 0 ? 1 : 0, 1);
    if (!options.backing_file.empty()) {
      put(112, 0xe2792aca, 4);
      put(116, options.backing_format.size(), 4);
      put_text(120, options.backing_format);
      put(8, 160, 8);
      put(16, options.backing_file.size(), 4);
      put_text(160, options.backing_file);
    }
    put(cluster, 2 * cluster, 8);
    for (std::uint64_t i = 0; i < 3 + l1_clusters; ++i) put(2 * cluster + 2 * i, 1, 2);
  }

  int file() const { return file_.get(); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }
  std::uint64_t cluster_size() const { return std::uint64_t{1} << cluster_bits_; }
  std::uint64_t end() const {
    return static_cast<std::uint64_t>(::lseek(file_.get(), 0, SEEK_END));
  }

  void put(std::uint64_t offset, std::uint64_t value, std::size_t size) {
    std::byte bytes[8];
    store_big_endian(value, std::span(bytes).first(size));
    if (::pwrite(file_.get(), bytes, size, static_cast<off_t>(offset)) < 0) std::abort();
    page_number_ = ~std::uint64_t{0};
  }
  void put_text(std::uint64_t offset, std::string_view text) {
    if (::pwrite(file_.get(), text.data(), text.size(), static_cast<off_t>(offset)) < 0)
      std::abort();
  }
  std::uint64_t get(std::uint64_t offset, std::size_t size) const {
    // A page at a time: check() reads every number there is.
    if (offset / sizeof page_ != page_number_) {
      page_number_ = offset / sizeof page_;
      page_ = {};
      auto const at = static_cast<off_t>(page_number_ * sizeof page_);
      if (::pread(file_.get(), page_.data(), page_.size(), at) < 0) std::abort();
    }
    return load_big_endian(std::span(page_).subspan(offset % sizeof page_, size));
  }
  /// Appends a cluster in use and returns its offset.
  std::uint64_t add_cluster() {
    std::uint64_t const offset = end();
    if (::ftruncate(file_.get(), static_cast<off_t>(offset + cluster_size())) != 0) std::abort();
    put(2 * cluster_size() + 2 * (offset >> cluster_bits_), 1, 2);
    return offset;
  }
  /// Gives cluster 0 of the guest this L2 entry.
  void set_first_entry(std::uint64_t entry) {
    auto const l2 = add_cluster();
    put(3 * cluster_size(), l2 | std::uint64_t{1} << 63, 8);
    put(l2, entry, 8);
  }

  /// What `qemu-img check` would complain of: clusters counted otherwise than they are used.
  std::vector<std::string> check() const {
    page_number_ = ~std::uint64_t{0};
    std::map<std::uint64_t, std::uint64_t> used;
    auto const use = [&](std::uint64_t offset, std::uint64_t size) {
      for (auto at = offset >> cluster_bits_; at <= (offset + size - 1) >> cluster_bits_; ++at) {
        ++used[at];
      }
    };
    std::uint64_t const mask = 0x00ff'ffff'ffff'fe00;
    std::uint64_t const table = get(48, 8);
    std::uint64_t const table_size = get(56, 4) * cluster_size();
    use(0, 1);
    use(get(40, 8), l1_entries_ * 8);
    use(table, table_size);
    for (std::uint64_t i = 0; i < l1_entries_; ++i) {
      auto const l2 = get(get(40, 8) + 8 * i, 8) & mask;
      if (l2 == 0) continue;
      use(l2, 1);
      for (std::uint64_t k = 0; k < cluster_size() / 8; ++k) {
        auto const entry = get(l2 + 8 * k, 8);
        if ((entry & mask) != 0 && (entry >> 62 & 1) == 0) use(entry & mask, 1);
      }
    }
    std::vector<std::string> found;
    for (std::uint64_t i = 0; i < table_size / 8; ++i) {
      auto const block = get(table + 8 * i, 8);
      if (block != 0) use(block, 1);
    }
    std::uint64_t const counts = cluster_size() / 2;
    for (std::uint64_t i = 0; i < table_size / 8; ++i) {
      auto const block = get(table + 8 * i, 8);
      for (std::uint64_t k = 0; block != 0 && k < counts; ++k) {
        auto const count = get(block + 2 * k, 2);
        auto const known = used.find(i * counts + k);
        auto const uses = known == used.end() ? 0 : known->second;
        if (known != used.end()) used.erase(known);
        if (count == uses) continue;
        found.push_back("cluster " + std::to_string(i * counts + k) + ": counted " +
                        std::to_string(count) + ", used " + std::to_string(uses));
      }
    }
    for (auto const& [cluster, uses] : used) {
      found.push_back("cluster " + std::to_string(cluster) + ": used and not counted");
    }
    return found;
  }

 private:
  os::UniqueFd file_;
  unsigned cluster_bits_;
  std::uint64_t l1_entries_ = 0;
  mutable std::array<std::byte, 4096> page_{};
  mutable std::uint64_t page_number_ = ~std::uint64_t{0};
};

}  // namespace bh::vmm::virtio::qcow2::testing
