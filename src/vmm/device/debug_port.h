#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "vmm/bus/device.h"

namespace bh::vmm {

struct DebugPortState {
  std::string line;  // What was written since the last newline.

  friend bool operator==(DebugPortState const&, DebugPortState const&) = default;
};

/// Port 0xe9 of Bochs and QEMU: a byte written is a letter of a message. Messages come out a line
/// at a time, as printable ASCII with other bytes as '.', so that a guest cannot forge the text
/// around them.
class DebugPort final : public Device {
 public:
  static constexpr std::uint16_t kPort = 0xe9;
  /// Longer lines come out in pieces: it is memory the guest makes us hold.
  static constexpr std::size_t kLineLimit = 256;

  using OnLine = std::move_only_function<void(std::string_view line)>;

  explicit DebugPort(OnLine on_line) : on_line_(std::move(on_line)) {}

  std::string_view name() const override { return "debug-port"; }
  /// Reads as its own number: that is how a guest finds it.
  void read(std::uint64_t offset, std::span<std::byte> data) override;
  void write(std::uint64_t offset, std::span<std::byte const> data) override;

  DebugPortState save() const { return {.line = line_}; }
  /// Checks `state` as hostile input; on an error nothing changes.
  Result<> restore(DebugPortState const& state);

 private:
  OnLine on_line_;
  std::string line_;
};

}  // namespace bh::vmm
