#include "vmm/kvm/kvm_exit.h"

#include <fmt/format.h>

#include <algorithm>

namespace bh::vmm::kvm {

namespace {

std::string_view suberror_name(std::uint32_t suberror) {
  switch (suberror) {
    case KVM_INTERNAL_ERROR_EMULATION: return "cannot emulate an instruction";
    case KVM_INTERNAL_ERROR_SIMUL_EX: return "met two exceptions at once";
    case KVM_INTERNAL_ERROR_DELIVERY_EV: return "could not deliver an event";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON: return "met an exit it does not know";
    default: return "gave up";
  }
}

bool has_instruction_bytes(kvm_run const& run) {
  // Documentation/virt/kvm/api.rst, KVM_EXIT_INTERNAL_ERROR: flags are the first word of data.
  return run.exit_reason == KVM_EXIT_INTERNAL_ERROR &&
         run.internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
         run.emulation_failure.ndata >= 3 &&
         (run.emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0;
}

}  // namespace

PortPieces::PortPieces(std::span<std::byte> area) {
  auto const& io = reinterpret_cast<kvm_run const*>(area.data())->io;
  std::uint64_t const bytes = std::uint64_t{io.size} * io.count;
  if (io.size == 0 || io.data_offset > area.size() || bytes > area.size() - io.data_offset) return;
  rest_ = area.subspan(io.data_offset, bytes);
  piece_ = io.size;
  port_ = io.port;
  guest_writes_ = io.direction == KVM_EXIT_IO_OUT;
}

Exit PortPieces::next() {
  auto const data = rest_.first(piece_);
  rest_ = rest_.subspan(piece_);
  if (guest_writes_) return PortWrite{.port = port_, .data = data};
  return PortRead{.port = port_, .data = data};
}

std::optional<Exit> exit_of(kvm_run& run) {
  switch (run.exit_reason) {
    case KVM_EXIT_MMIO: {
      auto const size = std::min<std::size_t>(run.mmio.len, sizeof run.mmio.data);
      auto const data = std::as_writable_bytes(std::span(run.mmio.data)).first(size);
      GuestAddress const address{run.mmio.phys_addr};
      if (run.mmio.is_write != 0) return MmioWrite{.address = address, .data = data};
      return MmioRead{.address = address, .data = data};
    }
    case KVM_EXIT_HLT: return Halted{};
    case KVM_EXIT_SHUTDOWN:
    case KVM_EXIT_SYSTEM_EVENT: return Shutdown{};
    case KVM_EXIT_INTR: return Interrupted{};
    default: return std::nullopt;
  }
}

std::span<std::uint8_t const> failed_instruction(kvm_run const& run) {
  if (!has_instruction_bytes(run)) return {};
  auto const& failure = run.emulation_failure;
  return std::span(failure.insn_bytes)
      .first(std::min<std::size_t>(failure.insn_size, sizeof failure.insn_bytes));
}

std::string failure_words(kvm_run const& run) {
  switch (run.exit_reason) {
    case KVM_EXIT_INTERNAL_ERROR: {
      std::string words = fmt::format("KVM {} (KVM_EXIT_INTERNAL_ERROR, suberror {}",
                                      suberror_name(run.internal.suberror), run.internal.suberror);
      // The data of an emulation failure are its instruction's bytes, said elsewhere.
      if (run.internal.suberror != KVM_INTERNAL_ERROR_EMULATION) {
        auto const count = std::min<std::size_t>(run.internal.ndata, std::size(run.internal.data));
        for (std::size_t i = 0; i < count; ++i) {
          words += fmt::format(", {:#x}", run.internal.data[i]);
        }
      }
      return words + ")";
    }
    case KVM_EXIT_FAIL_ENTRY:
      return fmt::format("the CPU refused to enter the guest (KVM_EXIT_FAIL_ENTRY, reason {:#x})",
                         run.fail_entry.hardware_entry_failure_reason);
    default:
      return fmt::format("KVM came back with exit {}, which this engine never asks for",
                         run.exit_reason);
  }
}

}  // namespace bh::vmm::kvm
