#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "vmm/engine/exit.h"

namespace bh::vmm::kvm {

/// What is left of a port access: a string instruction hands over several pieces at once.
class PortPieces {
 public:
  PortPieces() = default;
  /// The access in `area`, which begins with a kvm_run that says KVM_EXIT_IO. Empty if it does not
  /// lie inside `area`.
  explicit PortPieces(std::span<std::byte> area);

  bool empty() const { return rest_.empty(); }
  /// Only when not empty().
  Exit next();

 private:
  std::span<std::byte> rest_;
  std::size_t piece_ = 0;
  std::uint16_t port_ = 0;
  bool guest_writes_ = false;
};

/// What an exit that is not KVM_EXIT_IO means; nothing for one that needs words with registers
/// (KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_FAIL_ENTRY and those the engine never asks for).
std::optional<Exit> exit_of(kvm_run& run);

/// Instruction bytes KVM reported with an emulation failure, or nothing.
std::span<std::uint8_t const> failed_instruction(kvm_run const& run);

/// Words for an exit that exit_of() has none for, without where it happened.
std::string failure_words(kvm_run const& run);

}  // namespace bh::vmm::kvm
