#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vmm/chip/testing/fake_clock.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/soft/cache/block_cache.h"
#include "vmm/soft/cache/code_pages.h"
#include "vmm/soft/state/cpu.h"
#include "vmm/soft/state/machine.h"

namespace bh::vmm::soft {

/// A CPU without interrupt chips over a few MiB of RAM, for tests of handlers. Starts with paging
/// off, so linear addresses are physical, and in 64-bit code, so that most instructions can be
/// tried.
class BareCpu {
 public:
  static constexpr std::uint64_t kMemorySize = 8u << 20;
  static constexpr std::uint64_t kCode = 0x1000;

  BareCpu();

  Cpu& cpu() { return *cpu_; }
  GuestMemory& memory() { return memory_; }
  CodePages& code_pages() { return *code_pages_; }

  /// Puts `code` at kCode and points RIP there.
  void load_code(std::vector<std::uint8_t> const& code);

  /// Runs one instruction at RIP: RIP moves as it should unless the result is Fault or Exit.
  Flow step();

  template <typename T>
  T read(std::uint64_t address) {
    return memory_.read_object<T>({address}).value();
  }
  template <typename T>
  void write(std::uint64_t address, T const& value) {
    (void)memory_.write_object({address}, value);
  }

 private:
  GuestMemory memory_;
  std::unique_ptr<CodePages> code_pages_;
  chip::testing::FakeClock clock_;
  std::optional<Machine> machine_;
  std::unique_ptr<Cpu> cpu_;
  std::unique_ptr<BlockCache> blocks_;
};

}  // namespace bh::vmm::soft
