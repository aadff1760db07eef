#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "vmm/memory/guest_address.h"

namespace bh::vmm {

/// Why Vcpu::run() came back. Spans stay valid until the next run() of the same vCPU.

/// Fill `data` (1, 2 or 4 bytes) before the next run(): it becomes what the guest reads.
struct PortRead {
  std::uint16_t port = 0;
  std::span<std::byte> data;
};
struct PortWrite {
  std::uint16_t port = 0;
  std::span<std::byte const> data;
};
/// Access to an address that is neither RAM nor one of the engine's interrupt chips; 1 to 8 bytes
/// (wider accesses arrive in pieces). Fill `data` before the next run().
struct MmioRead {
  GuestAddress address;
  std::span<std::byte> data;
};
struct MmioWrite {
  GuestAddress address;
  std::span<std::byte const> data;
};
/// HLT on an engine without interrupt chips. With chips the vCPU sleeps inside run().
struct Halted {};
/// Triple fault: a PC would reset.
struct Shutdown {};
/// kick() asked for it, or a signal arrived: look at why, then run() again.
struct Interrupted {};
/// The engine cannot go on with this guest; `words` say what it met and where.
struct InternalError {
  std::string words;
};

using Exit = std::variant<PortRead, PortWrite, MmioRead, MmioWrite, Halted, Shutdown, Interrupted,
                          InternalError>;

}  // namespace bh::vmm
