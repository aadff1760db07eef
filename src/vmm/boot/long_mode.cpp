#include "vmm/boot/long_mode.h"

#include <array>

#include "vmm/boot/layout.h"
#include "vmm/boot/segments.h"

namespace bh::vmm::boot {

namespace {

// SDM vol. 3, 2.5, 2.2.1 and 4.5.
constexpr std::uint64_t kCr0ProtectionEnable = 1u << 0;
constexpr std::uint64_t kCr0ExtensionType = 1u << 4;
constexpr std::uint64_t kCr0Paging = 1u << 31;
constexpr std::uint64_t kCr4PhysicalAddressExtension = 1u << 5;
constexpr std::uint64_t kEferLongModeEnable = 1u << 8;
constexpr std::uint64_t kEferLongModeActive = 1u << 10;
constexpr std::uint64_t kPresentWritable = 3;
constexpr std::uint64_t kLargePage = 1u << 7;

constexpr std::uint64_t kLargePageSize = 2u << 20;
constexpr std::size_t kEntries = 512;
constexpr std::size_t kDirectories = kIdentityMapped / (kEntries * kLargePageSize);

using Table = std::array<std::uint64_t, kEntries>;

Result<> write_page_tables(GuestMemory& memory) {
  GuestAddress const pointers = kPageTables + kPageSize;
  GuestAddress const directories = pointers + kPageSize;

  Table top{};
  top[0] = pointers.value | kPresentWritable;
  BH_TRY(memory.write_object(kPageTables, top));

  Table pointer_table{};
  for (std::size_t i = 0; i < kDirectories; ++i) {
    pointer_table[i] = (directories + i * kPageSize).value | kPresentWritable;
    Table directory{};
    for (std::size_t j = 0; j < kEntries; ++j) {
      directory[j] = (i * kEntries + j) * kLargePageSize | kPresentWritable | kLargePage;
    }
    BH_TRY(memory.write_object(directories + i * kPageSize, directory));
  }
  return memory.write_object(pointers, pointer_table);
}

}  // namespace

Result<> enter_long_mode(GuestMemory& memory, GuestAddress entry, VcpuState& state) {
  BH_TRY(write_page_tables(memory));
  BH_TRY(load_flat_segments(memory, CodeWidth::Bits64, state.system));
  state.system.cr0 = kCr0ProtectionEnable | kCr0ExtensionType | kCr0Paging;
  state.system.cr3 = kPageTables.value;
  state.system.cr4 = kCr4PhysicalAddressExtension;
  state.system.efer = kEferLongModeEnable | kEferLongModeActive;

  state.general = {};
  state.general.rip = entry.value;
  state.general.gpr[Rsi] = kZeroPage.value;
  // Not asked for: a stack below the tables, for kernels that push before they make their own.
  state.general.gpr[Rsp] = kStackTop.value;
  state.general.gpr[Rbp] = kStackTop.value;
  state.activity = Activity::Running;
  return {};
}

}  // namespace bh::vmm::boot
