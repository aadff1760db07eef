#include "vmm/kvm/kvm_probe_guests.h"

#include <array>

extern "C" {
extern std::byte const bh_probe_code[], bh_probe_code_end[], bh_probe_loop[], bh_probe_handlers[],
    bh_probe_int3[], bh_probe_xsave[], bh_probe_popcnt[], bh_probe_smap[], bh_probe_cmpxchg16b[],
    bh_probe_ldmxcsr[], bh_probe_fwait[], bh_probe_xorps[];
}

namespace bh::vmm::kvm {

namespace {

constexpr unsigned kHandlerSize = 8;

GuestAddress place_of(std::byte const* symbol) {
  return kProbeCode + static_cast<std::uint64_t>(symbol - bh_probe_code);
}

}  // namespace

std::span<std::byte const> probe_code() {
  return {bh_probe_code, bh_probe_code_end};
}

GuestAddress probe_loop() {
  return place_of(bh_probe_loop);
}

GuestAddress probe_handler(unsigned vector) {
  return place_of(bh_probe_handlers) + vector * kHandlerSize;
}

std::span<ProbeTest const> probe_tests() {
  static std::array const tests{
      ProbeTest{"int3 and iretq", place_of(bh_probe_int3)},
      ProbeTest{"stac and clac", place_of(bh_probe_smap)},
      ProbeTest{"xsave and xrstor", place_of(bh_probe_xsave)},
      ProbeTest{"popcnt", place_of(bh_probe_popcnt)},
      ProbeTest{"cmpxchg16b", place_of(bh_probe_cmpxchg16b)},
      ProbeTest{"fwait", place_of(bh_probe_fwait)},
      ProbeTest{"ldmxcsr", place_of(bh_probe_ldmxcsr)},
      ProbeTest{"xorps", place_of(bh_probe_xorps)},
  };
  return tests;
}

}  // namespace bh::vmm::kvm
