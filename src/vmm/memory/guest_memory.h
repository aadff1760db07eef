#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "base/error.h"
#include "os/mapped_region.h"
#include "os/unique_fd.h"
#include "vmm/memory/guest_address.h"

namespace bh::vmm {

/// Guest RAM ends here and continues at 4 GiB: the gigabyte between holds MMIO devices and the
/// interrupt chips.
inline constexpr GuestAddress kLowMemoryEnd{0xc000'0000};
inline constexpr GuestAddress kHighMemoryStart{0x1'0000'0000};

enum class HugePages { None, Transparent, Explicit2M };

/// A run of guest RAM that is contiguous both in guest-physical and in host memory.
struct MemoryRegion {
  GuestAddress start;
  std::uint64_t size = 0;         // Bytes, a multiple of the page size.
  std::uint64_t file_offset = 0;  // Where it starts in the memfd.
  std::byte* host = nullptr;      // guest-controlled bytes

  GuestAddress end() const { return start + size; }
};

/// Told of every write to guest RAM that does not come from a vCPU (devices, loaders).
class WriteHook {
 public:
  virtual ~WriteHook() = default;
  /// May be called by any thread. The range is inside one region.
  virtual void wrote(GuestAddress address, std::uint64_t size) = 0;
};

/// The one door to guest RAM: a memfd mapped once, shared by all engines and devices.
///
/// Guest RAM is hostile and changes at any time: read a field once, check the copy, use the copy.
/// All methods may be called by any thread; concurrent guest writes may tear a read.
class GuestMemory {
 public:
  /// `size` in bytes: at least one page, a multiple of 4 KiB (2 MiB with Explicit2M).
  static Result<GuestMemory> create(std::uint64_t size, HugePages huge_pages = HugePages::None);

  std::uint64_t size() const { return mapping_.size(); }
  std::span<MemoryRegion const> regions() const { return {regions_.data(), region_count_}; }
  os::UniqueFd const& file() const { return file_; }

  /// Copies out of or into guest RAM. The whole range must be RAM, else Errc::Invalid and nothing
  /// is copied.
  Result<> read(GuestAddress address, std::span<std::byte> out) const;
  Result<> write(GuestAddress address, std::span<std::byte const> data);
  Result<> fill(GuestAddress address, std::uint64_t size, std::byte value);

  template <typename T>
  Result<T> read_object(GuestAddress address) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T object;
    auto copied = read(address, std::as_writable_bytes(std::span(&object, 1)));
    if (!copied) return std::unexpected(std::move(copied).error());
    return object;
  }
  template <typename T>
  Result<> write_object(GuestAddress address, T const& object) {
    static_assert(std::is_trivially_copyable_v<T>);
    return write(address, std::as_bytes(std::span(&object, 1)));
  }

  /// Host address of `size` bytes of RAM that lie in one region, or nullptr. For engines and
  /// virtqueue buffers only; what it points to is guest-controlled. Stays valid as long as this
  /// object.
  std::byte* host_address(GuestAddress address, std::uint64_t size) const;

  /// For who wrote through host_address(): tells the hook, as write() does. The range is RAM.
  void note_write(GuestAddress address, std::uint64_t size) {
    if (write_hook_ != nullptr && size != 0) write_hook_->wrote(address, size);
  }

  /// The hook must outlive this object or be taken out with nullptr. Set it before vCPUs run.
  void set_write_hook(WriteHook* hook) { write_hook_ = hook; }

 private:
  GuestMemory(os::UniqueFd file, os::MappedRegion mapping);

  os::UniqueFd file_;
  os::MappedRegion mapping_;
  std::array<MemoryRegion, 2> regions_{};
  std::size_t region_count_ = 0;
  WriteHook* write_hook_ = nullptr;
};

}  // namespace bh::vmm
