#include "vmm/soft/mmu/walk.h"

#include <atomic>

#include "vmm/soft/state/machine.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kUser = 4;
constexpr std::uint64_t kAccessed = 0x20;
constexpr std::uint64_t kDirty = 0x40;
constexpr std::uint64_t kLarge = 0x80;
constexpr std::uint64_t kGlobal = 0x100;
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;
// MAXPHYADDR of our CPUID is 46: higher address bits are reserved.
constexpr std::uint64_t kReservedAddress = 0x000f'c000'0000'0000;

enum class Format { Legacy32, Pae, Long };

/// One step of the walk as the loop needs it.
struct Level {
  unsigned shift;       // Lowest linear-address bit that indexes this table.
  unsigned index_bits;  // How many.
  bool may_be_large;
};

constexpr Level kLongLevels[] = {{39, 9, false}, {30, 9, true}, {21, 9, true}, {12, 9, false}};
constexpr Level kPaeLevels[] = {{30, 2, false}, {21, 9, true}, {12, 9, false}};
constexpr Level kLegacyLevels[] = {{22, 10, true}, {12, 10, false}};

/// Everything the levels above a leaf have allowed so far.
struct Rights {
  bool writable = true;
  bool user = true;
  bool executable = true;
};

std::byte* entry_host(Cpu& cpu, std::uint64_t physical, std::size_t size) {
  return cpu.machine->memory.host_address({physical}, size);
}

template <typename Entry>
bool set_bits(std::byte* host, Entry expected, Entry bits) {
  // Another vCPU may change the entry at the same time: never write back a stale one.
  std::atomic_ref<Entry> entry(*reinterpret_cast<Entry*>(host));
  return entry.compare_exchange_strong(expected, static_cast<Entry>(expected | bits));
}

class Walker {
 public:
  Walker(Cpu& cpu, std::uint64_t linear, Access access, Privilege privilege)
      : cpu_(cpu), linear_(linear), access_(access), privilege_(privilege) {}

  template <typename Entry>
  Translation run(std::span<Level const> levels, std::uint64_t table, Format format) {
    for (;;) {
      bool again = false;
      auto const result = attempt<Entry>(levels, table, format, again);
      if (!again) return result;
    }
  }

 private:
  template <typename Entry>
  Translation attempt(std::span<Level const> levels, std::uint64_t table, Format format,
                      bool& again) {
    Rights rights;
    for (auto const& level : levels) {
      std::uint64_t const index = (linear_ >> level.shift) & ((1u << level.index_bits) - 1);
      std::byte* const host = entry_host(cpu_, table + index * sizeof(Entry), sizeof(Entry));
      if (host == nullptr) return fault(0);  // Tables outside RAM read as not present.
      Entry const entry =
          std::atomic_ref<Entry>(*reinterpret_cast<Entry*>(host)).load(std::memory_order_relaxed);
      if ((entry & kPresent) == 0) return fault(0);

      bool const root_of_pae = format == Format::Pae && level.shift == 30;
      bool const last = level.shift == kPageShift;
      bool const large = level.may_be_large && (entry & kLarge) != 0 &&
                         (format != Format::Legacy32 || (cpu_.cr4 & kCr4Pse) != 0);
      if (reserved_bits_set(entry, level, large, format)) return fault(kPfPresent | kPfReserved);
      if (!root_of_pae) {
        rights.writable = rights.writable && (entry & kWritable) != 0;
        rights.user = rights.user && (entry & kUser) != 0;
        if constexpr (sizeof(Entry) == 8) {
          if ((cpu_.efer & kEferNx) != 0 && (entry & kNoExecute) != 0) rights.executable = false;
        }
      }
      if (!last && !large) {
        if (!root_of_pae && (entry & kAccessed) == 0 &&
            !set_bits<Entry>(host, entry, static_cast<Entry>(kAccessed))) {
          again = true;
          return {};
        }
        table = format == Format::Legacy32 ? entry & 0xffff'f000u : entry & kAddressMask;
        continue;
      }
      return leaf<Entry>(host, entry, level, large, rights, format, again);
    }
    return fault(0);
  }

  template <typename Entry>
  Translation leaf(std::byte* host, Entry entry, Level const& level, bool large, Rights rights,
                   Format format, bool& again) {
    if (!allowed(rights)) return fault(kPfPresent);
    bool const write = access_ == Access::Write;
    Entry const wanted = static_cast<Entry>(kAccessed | (write ? kDirty : 0));
    if ((entry & wanted) != wanted && !set_bits<Entry>(host, entry, wanted)) {
      again = true;
      return {};
    }
    std::uint64_t const offset_mask = (std::uint64_t{1} << level.shift) - 1;
    std::uint64_t base = format == Format::Legacy32 ? entry & 0xffff'f000u : entry & kAddressMask;
    if (large && format == Format::Legacy32) {
      // PSE-36: bits 13-20 of the entry are bits 32-39 of the address.
      base |= (static_cast<std::uint64_t>(entry) & 0x1f'e000) << 19;
    }
    base &= ~offset_mask;
    return {.ok = true,
            .writable = write,
            .global = (entry & kGlobal) != 0 && (cpu_.cr4 & kCr4Pge) != 0,
            .page_size = offset_mask + 1,
            .physical = base | (linear_ & offset_mask)};
  }

  template <typename Entry>
  bool reserved_bits_set(Entry entry, Level const& level, bool large, Format format) const {
    if (format == Format::Legacy32) return false;
    std::uint64_t const wide = entry;
    if ((wide & kReservedAddress) != 0) return true;
    if ((cpu_.efer & kEferNx) == 0 && (wide & kNoExecute) != 0) return true;
    if (format == Format::Long && level.shift == 39 && (wide & kLarge) != 0) return true;
    // Bits between the PAT bit (12) and the page base of a large page.
    std::uint64_t const below = ((std::uint64_t{1} << level.shift) - 1) & ~std::uint64_t{0x1fff};
    return large && (wide & below) != 0;
  }

  bool allowed(Rights rights) const {
    bool const user = privilege_ == Privilege::User;
    if (user && !rights.user) return false;
    if (access_ == Access::Execute) return rights.executable;
    if (access_ == Access::Write && !rights.writable) {
      return !user && (cpu_.cr0 & kCr0Wp) == 0;
    }
    return true;
  }

  Translation fault(std::uint32_t code) const {
    if (access_ == Access::Write) code |= kPfWrite;
    if (privilege_ == Privilege::User) code |= kPfUser;
    bool const nx_on = (cpu_.efer & kEferNx) != 0 && (cpu_.cr4 & kCr4Pae) != 0;
    if (access_ == Access::Execute && nx_on) code |= kPfFetch;
    return {.error_code = code};
  }

  Cpu& cpu_;
  std::uint64_t linear_;
  Access access_;
  Privilege privilege_;
};

}  // namespace

Translation walk(Cpu& cpu, std::uint64_t linear, Access access, Privilege privilege) {
  if (!cpu.paging()) {
    return {.ok = true, .writable = true, .physical = static_cast<std::uint32_t>(linear)};
  }
  Walker walker(cpu, linear, access, privilege);
  if (cpu.long_mode()) {
    return walker.run<std::uint64_t>(kLongLevels, cpu.cr3 & kAddressMask, Format::Long);
  }
  if ((cpu.cr4 & kCr4Pae) != 0) {
    return walker.run<std::uint64_t>(kPaeLevels, cpu.cr3 & 0xffff'ffe0u, Format::Pae);
  }
  return walker.run<std::uint32_t>(kLegacyLevels, cpu.cr3 & 0xffff'f000u, Format::Legacy32);
}

}  // namespace bh::vmm::soft
