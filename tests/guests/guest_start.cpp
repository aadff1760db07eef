#include <array>
#include <cstring>
#include <vector>

#include "guest_runner.h"

namespace bh::guest_test {

namespace {

using vmm::GuestAddress;
using vmm::Segment;
using vmm::VcpuState;

constexpr std::uint64_t kPml4 = 0x8'0000;
constexpr std::uint64_t kPdpt = 0x8'1000;
constexpr std::uint64_t kPd = 0x8'2000;
constexpr std::uint64_t kStackTop = 0x7'f000;
constexpr std::uint64_t kLargestImage = 0x6'0000;

Result<> write_page_tables(vmm::GuestMemory& memory) {
  constexpr std::uint64_t kPresentWrite = 3;
  constexpr std::uint64_t kLargePage = 0x80;
  BH_TRY(memory.write_object({kPml4}, kPdpt | kPresentWrite));
  for (std::uint64_t gib = 0; gib < 4; ++gib) {
    BH_TRY(memory.write_object({kPdpt + 8 * gib}, (kPd + 0x1000 * gib) | kPresentWrite));
  }
  for (std::uint64_t i = 0; i < 4 * 512; ++i) {
    BH_TRY(memory.write_object({kPd + 8 * i}, (i << 21) | kPresentWrite | kLargePage));
  }
  return {};
}

Segment flat_segment(std::uint16_t selector, std::uint8_t type, bool code64) {
  return {.base = 0,
          .limit = 0xffff'ffff,
          .selector = selector,
          .type = type,
          .present = 1,
          .dpl = 0,
          .db = static_cast<std::uint8_t>(code64 ? 0 : 1),
          .s = 1,
          .l = static_cast<std::uint8_t>(code64 ? 1 : 0),
          .g = 1};
}

void start_long(VcpuState& state) {
  auto& system = state.system;
  for (auto& segment : system.segments) segment = flat_segment(0x10, 3, false);
  system.segments[vmm::Cs] = flat_segment(0x08, 11, true);
  system.tr = {.limit = 0x67, .selector = 0x38, .type = 11, .present = 1};
  system.gdt = {};
  system.idt = {};
  system.cr0 = 0x8000'0033;  // PG NE ET MP PE.
  system.cr3 = kPml4;
  system.cr4 = 0x620;   // OSXMMEXCPT OSFXSR PAE.
  system.efer = 0x500;  // LMA LME.
  state.general.gpr[vmm::Rsp] = kStackTop;
}

void start_real(VcpuState& state) {
  auto& system = state.system;
  for (auto& segment : system.segments) {
    segment = {.limit = 0xffff, .type = 3, .present = 1, .s = 1};
  }
  system.segments[vmm::Cs].type = 11;
  state.general.gpr[vmm::Rsp] = 0xf000;
}

}  // namespace

Result<> load_guest(vmm::GuestMemory& memory, GuestImage const& image, StartMode mode) {
  if (image.bytes.size() > kLargestImage) {
    return fail(Errc::Invalid, std::string(image.name) + ": image is larger than its place");
  }
  BH_TRY(memory.write(kImageAddress, image.bytes));
  if (mode == StartMode::Long) BH_TRY(write_page_tables(memory));
  return {};
}

VcpuState start_state(VcpuState state, StartMode mode) {
  state.general = {};
  state.general.rip = kImageAddress.value;
  // As after FNINIT and at reset: SDM vol. 3, 9.1.1.
  state.fpu = {};
  std::uint16_t const control = 0x37f;
  std::uint32_t const mxcsr = 0x1f80;
  std::memcpy(state.fpu.fxsave.data(), &control, sizeof control);
  std::memcpy(state.fpu.fxsave.data() + 24, &mxcsr, sizeof mxcsr);
  mode == StartMode::Long ? start_long(state) : start_real(state);
  return state;
}

}  // namespace bh::guest_test
