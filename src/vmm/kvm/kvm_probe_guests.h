#pragma once

#include <cstddef>
#include <span>

#include "vmm/memory/guest_address.h"

namespace bh::vmm::kvm {

/// The probe's guest code (kvm_probe_guests.S), to be placed at kProbeCode. 64-bit kernel mode.
std::span<std::byte const> probe_code();
inline constexpr GuestAddress kProbeCode{0x8000};
/// A page the code may use.
inline constexpr GuestAddress kProbeScratch{0xc000};

/// How the code reports: one byte to one of these ports.
inline constexpr std::uint16_t kProbeResultPort = 0xf4;
inline constexpr std::uint16_t kProbeExceptionPort = 0xf5;
enum class ProbeResult : std::uint8_t { Works = 0, WrongResult = 1, NotOffered = 2 };

/// Turns RCX times and reports Works.
GuestAddress probe_loop();
/// Handler of exception `vector` (0 to 31): reports it, but for #BP, which it returns from.
GuestAddress probe_handler(unsigned vector);

struct ProbeTest {
  char const* name;
  GuestAddress entry;
};
/// What an ordinary kernel executes in kernel mode while it boots.
std::span<ProbeTest const> probe_tests();

}  // namespace bh::vmm::kvm
