// A hostile guest: every byte string is a program of accesses to the interrupt chips by two vCPUs,
// with time passing in between. Whatever it does, nothing crashes, what attention() says is true,
// deadlines are never in the past after advance(), and a saved state can be restored.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "vmm/chip/testing/chip_set_rig.h"

namespace {

using bh::vmm::GuestAddress;
using bh::vmm::LineLevel;
using bh::vmm::chip::ChipSet;
using bh::vmm::chip::testing::ChipSetRig;

constexpr unsigned kVcpus = 2;

void require(bool holds) {
  if (!holds) std::abort();
}

class Input {
 public:
  explicit Input(std::span<std::uint8_t const> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    auto const value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint32_t word() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  std::uint64_t long_word() {
    auto const high = word();
    return std::uint64_t{high} << 32 | word();
  }

 private:
  std::span<std::uint8_t const> bytes_;
};

constexpr std::array<std::uint16_t, 12> kPorts{0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1,
                                               0x40, 0x41, 0x42, 0x43, 0x61,  0x22};

void access_mmio(ChipSetRig& rig, Input& input, unsigned vcpu, GuestAddress page) {
  std::array<std::byte, 8> data{};
  auto const shape = input.byte();
  std::size_t const size = 1U << (shape & 3);
  // Mostly registers, sometimes in between.
  std::uint64_t const offset = (shape & 4) != 0 ? input.word() % 4096 : input.byte() * 16U;
  std::span const bytes(data.data(), size);
  if ((shape & 8) != 0) {
    rig.chips.mmio_read(vcpu, page + offset, bytes);
  } else {
    bh::store_little_endian(bytes, input.word());
    rig.chips.mmio_write(vcpu, page + offset, bytes);
  }
}

void access_msr(ChipSetRig& rig, Input& input, unsigned vcpu) {
  auto const which = input.byte();
  bool const reads = (which & 0x80) != 0;
  std::uint32_t index = 0x800U + (which & 0x3f);
  if ((which & 0x7f) == 0x7f) index = bh::vmm::chip::apic::kBaseMsr;
  if ((which & 0x7f) == 0x7e) index = bh::vmm::chip::apic::kTscDeadlineMsr;
  if (reads) {
    rig.chips.msr_read(vcpu, index);
    return;
  }
  std::uint64_t value = input.long_word();
  // With its fixed bits right, the modes come up often enough.
  if (index == bh::vmm::chip::apic::kBaseMsr && (value & 1) == 0) {
    value = 0xfee0'0000U | (vcpu == 0 ? 0x100U : 0U) | (value & 0xc00U);
  }
  rig.chips.msr_write(vcpu, index, value);
}

void look(ChipSetRig& rig, unsigned vcpu) {
  auto const attention = rig.chips.attention(vcpu);
  bool const interrupt = (attention & ChipSet::kInterrupt) != 0;
  require(rig.chips.acknowledge(vcpu).has_value() == interrupt);
  require(rig.chips.take_nmi(vcpu) == ((attention & ChipSet::kNmi) != 0));
  auto const start_up = rig.chips.take_start_up(vcpu);
  require(start_up.has_value() == ((attention & ChipSet::kStartUp) != 0));
}

void save_and_restore(ChipSetRig& rig) {
  auto const state = rig.chips.save();
  ChipSetRig other(kVcpus);
  other.clock.move_to(rig.clock.now());
  require(other.chips.restore(state).has_value());
  require(other.chips.save() == state);
  for (unsigned vcpu = 0; vcpu < kVcpus; ++vcpu) {
    require(other.chips.attention(vcpu) == rig.chips.attention(vcpu));
  }
  require(rig.chips.restore(state).has_value());
}

void step(ChipSetRig& rig, Input& input) {
  auto const what = input.byte();
  unsigned const vcpu = what >> 7;
  switch (what & 0xf) {
    case 0:
    case 1: {
      std::array<std::byte, 4> data{};
      std::span const bytes(data.data(), std::size_t{1} << (what >> 4 & 1));
      auto const port = kPorts[input.byte() % kPorts.size()];
      bh::store_little_endian(bytes, input.byte());
      if ((what & 1) != 0) {
        rig.chips.port_write(port, bytes);
      } else {
        rig.chips.port_read(port, bytes);
      }
      break;
    }
    case 2:
    case 3: {
      auto const line = input.byte();
      rig.chips.set_line(line % 40, (line & 0x80) != 0 ? LineLevel::High : LineLevel::Low);
      break;
    }
    case 4:
    case 5: access_mmio(rig, input, vcpu, bh::vmm::kIoApicAddress); break;
    case 6:
    case 7: access_mmio(rig, input, vcpu, bh::vmm::kLocalApicAddress); break;
    case 8: access_msr(rig, input, vcpu); break;
    case 9: look(rig, vcpu); break;
    case 10:
      rig.clock.pass(input.word());
      rig.chips.advance();
      require(rig.chips.next_deadline().value_or(~0ULL) >= rig.clock.now());
      break;
    case 11: rig.chips.set_task_priority(vcpu, input.byte() & 0xf); break;
    case 12: save_and_restore(rig); break;
    case 13: rig.enable_apic(vcpu); break;
    case 14: rig.route(input.byte() % bh::vmm::kIoApicPins, input.long_word()); break;
    default: rig.clock.pass(std::uint64_t{input.byte()} * 1000); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ChipSetRig rig(kVcpus);
  Input input({data, size});
  while (!input.empty()) step(rig, input);
  return 0;
}
