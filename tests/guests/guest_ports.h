#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "vmm/engine/engine.h"

namespace bh::guest_test {

/// What a guest program sees beside RAM: lib/start64.inc lists the ports. One thread at a time.
class GuestPorts {
 public:
  explicit GuestPorts(vmm::Engine& engine) : engine_(engine) {}

  void write_port(std::uint16_t port, std::span<std::byte const> data);
  void read_port(std::uint16_t port, std::span<std::byte> data);
  void write_mmio(vmm::GuestAddress address, std::span<std::byte const> data);
  void read_mmio(vmm::GuestAddress address, std::span<std::byte> data);

  std::optional<int> status() const { return status_; }
  std::string const& text() const { return text_; }

 private:
  vmm::Engine& engine_;
  std::optional<int> status_;
  std::string text_;
  std::array<std::byte, 16> echo_{};
  std::array<std::byte, 256> mmio_{};
};

}  // namespace bh::guest_test
