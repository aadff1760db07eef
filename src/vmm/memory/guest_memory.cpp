#include "vmm/memory/guest_memory.h"

#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/hex.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kHugePageSize = 2u << 20;
// More than any host we know has; keeps every later sum of addresses far from overflow.
constexpr std::uint64_t kLargestMemory = std::uint64_t{1} << 40;

std::unexpected<Error> outside(std::string_view action, GuestAddress address, std::uint64_t size) {
  return fail(Errc::Invalid, std::string(action) + " " + std::to_string(size) + " bytes at " +
                                 hex(address.value) + ": not guest RAM");
}

}  // namespace

Result<GuestMemory> GuestMemory::create(std::uint64_t size, HugePages huge_pages) {
  std::uint64_t const unit = huge_pages == HugePages::Explicit2M ? kHugePageSize : kPageSize;
  if (size == 0 || size % unit != 0 || size > kLargestMemory) {
    return fail(Errc::Invalid, "guest memory of " + std::to_string(size) +
                                   " bytes: must be a multiple of " + std::to_string(unit) +
                                   ", more than 0 and at most 1 TiB");
  }
  unsigned const flags = huge_pages == HugePages::Explicit2M ? MFD_HUGETLB | MFD_HUGE_2MB : 0;
  os::UniqueFd file(::memfd_create("guest-ram", MFD_CLOEXEC | flags));
  if (!file.valid()) return fail_errno("memfd_create for guest memory", errno);
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
    return fail_errno("ftruncate of guest memory to " + std::to_string(size) + " bytes", errno);
  }
  auto mapping =
      os::MappedRegion::map(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file);
  if (!mapping) return std::unexpected(std::move(mapping).error().while_doing("guest memory"));
  if (huge_pages == HugePages::Transparent) ::madvise(mapping->data(), size, MADV_HUGEPAGE);
  return GuestMemory(std::move(file), *std::move(mapping));
}

GuestMemory::GuestMemory(os::UniqueFd file, os::MappedRegion mapping)
    : file_(std::move(file)), mapping_(std::move(mapping)) {
  std::uint64_t const low = std::min<std::uint64_t>(mapping_.size(), kLowMemoryEnd.value);
  regions_[0] = {.start = {0}, .size = low, .file_offset = 0, .host = mapping_.data()};
  region_count_ = 1;
  if (mapping_.size() > low) {
    regions_[1] = {.start = kHighMemoryStart,
                   .size = mapping_.size() - low,
                   .file_offset = low,
                   .host = mapping_.data() + low};
    region_count_ = 2;
  }
}

std::byte* GuestMemory::host_address(GuestAddress address, std::uint64_t size) const {
  for (auto const& region : regions()) {
    if (address < region.start) continue;
    std::uint64_t const offset = address.value - region.start.value;
    if (offset <= region.size && size <= region.size - offset) return region.host + offset;
  }
  return nullptr;
}

Result<> GuestMemory::read(GuestAddress address, std::span<std::byte> out) const {
  std::byte const* const host = host_address(address, out.size());
  if (host == nullptr) return outside("read", address, out.size());
  // An empty span may have no address, and memcpy() wants one even for nothing.
  if (!out.empty()) std::memcpy(out.data(), host, out.size());
  return {};
}

Result<> GuestMemory::write(GuestAddress address, std::span<std::byte const> data) {
  std::byte* const host = host_address(address, data.size());
  if (host == nullptr) return outside("write", address, data.size());
  if (data.empty()) return {};
  std::memcpy(host, data.data(), data.size());
  if (write_hook_ != nullptr) write_hook_->wrote(address, data.size());
  return {};
}

Result<> GuestMemory::fill(GuestAddress address, std::uint64_t size, std::byte value) {
  std::byte* const host = host_address(address, size);
  if (host == nullptr) return outside("fill", address, size);
  std::memset(host, std::to_integer<int>(value), size);
  if (write_hook_ != nullptr) write_hook_->wrote(address, size);
  return {};
}

}  // namespace bh::vmm
