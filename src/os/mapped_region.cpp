#include "os/mapped_region.h"

#include <sys/mman.h>

#include <cerrno>
#include <string>

namespace bh::os {

Result<MappedRegion> MappedRegion::map(std::size_t size, int protection, int flags,
                                       UniqueFd const& file, std::size_t offset) {
  void* const data =
      ::mmap(nullptr, size, protection, flags, file.get(), static_cast<off_t>(offset));
  if (data == MAP_FAILED) return fail_errno("mmap of " + std::to_string(size) + " bytes", errno);
  return MappedRegion(static_cast<std::byte*>(data), size);
}

MappedRegion& MappedRegion::operator=(MappedRegion&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedRegion::~MappedRegion() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace bh::os
