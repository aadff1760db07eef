#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "vmm/engine/engine.h"

namespace bh::guest_test {

/// One flat program from programs/, linked at kImageAddress.
struct GuestImage {
  std::string_view name;
  std::span<std::byte const> bytes;
};

std::span<GuestImage const> guest_images();

inline constexpr vmm::GuestAddress kImageAddress{0x1000};
inline constexpr std::uint64_t kGuestMemory = 16u << 20;

enum class StartMode : std::uint8_t { Real, Long };

struct GuestSetup {
  StartMode mode = StartMode::Long;
  vmm::InterruptChips chips = vmm::InterruptChips::None;
  unsigned vcpus = 1;
};

enum class Ending : std::uint8_t {
  Exit,      // A status came through the exit port.
  Halted,    // HLT without interrupt chips.
  Shutdown,  // Triple fault.
  Broken,    // The engine gave up; `words` say why.
  TimedOut,
};

struct GuestOutcome {
  Ending ending = Ending::TimedOut;
  int status = -1;    // With Exit: 0 passed, N number of the check that failed.
  std::string text;   // From the text port.
  std::string words;  // What the engine said.
};

/// Names the outcome for a failure message.
std::string describe(GuestOutcome const& outcome);

using MakeEngine =
    std::function<Result<std::unique_ptr<vmm::Engine>>(vmm::GuestMemory&, vmm::EngineOptions)>;

/// Runs `image` on a fresh machine to its end, or for 20 seconds. An error means that the machine
/// could not be made.
Result<GuestOutcome> run_guest(MakeEngine const& make_engine, GuestImage const& image,
                               GuestSetup const& setup);

/// Puts the image and, for StartMode::Long, the page tables into `memory`.
Result<> load_guest(vmm::GuestMemory& memory, GuestImage const& image, StartMode mode);
/// The state in which vCPU 0 starts; `state` is its reset state.
vmm::VcpuState start_state(vmm::VcpuState state, StartMode mode);

}  // namespace bh::guest_test
