#include "vmm/soft/native/code_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bh::vmm::soft {

Result<CodePool> CodePool::create(std::size_t size) {
  os::UniqueFd file(::memfd_create("soft-cpu-code", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create for generated code", errno);
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
    return fail_errno("ftruncate of generated code", errno);
  }
  auto writable =
      BH_TRY(os::MappedRegion::map(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file));
  auto executable =
      BH_TRY(os::MappedRegion::map(size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, file));
  return CodePool(std::move(writable), std::move(executable));
}

void CodePool::take(std::size_t size) {
  used_ = std::min(writable_.size(), (used_ + size + kAlignment - 1) & ~(kAlignment - 1));
  // What is written stays in the file: the second mapping need not count as memory, too.
  constexpr std::size_t kStep = 256u << 10;
  std::size_t const start = written_ & ~(kStep - 1);
  if (used_ - start < 2 * kStep) return;
  ::madvise(writable_.data() + start, kStep, MADV_DONTNEED);
  written_ = start + kStep;
}

void* CodePool::add(std::span<std::uint8_t const> code) {
  if (code.size() > writable_.size() - used_) return nullptr;
  std::memcpy(writable_.data() + used_, code.data(), code.size());
  void* const result = executable_.data() + used_;
  take(code.size());
  return result;
}

}  // namespace bh::vmm::soft
