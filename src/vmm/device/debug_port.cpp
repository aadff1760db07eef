#include "vmm/device/debug_port.h"

#include <algorithm>

namespace bh::vmm {

namespace {

bool is_printable(char letter) {
  return letter >= ' ' && letter <= '~';
}

}  // namespace

void DebugPort::read(std::uint64_t /*offset*/, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
  if (data.size() == 1) data[0] = std::byte{kPort};
}

void DebugPort::write(std::uint64_t /*offset*/, std::span<std::byte const> data) {
  if (data.size() != 1) return;
  char const letter = std::to_integer<char>(data[0]);
  if (letter != '\n') line_ += is_printable(letter) ? letter : '.';
  if (letter == '\n' || line_.size() == kLineLimit) on_line_(std::exchange(line_, {}));
}

Result<> DebugPort::restore(DebugPortState const& state) {
  if (state.line.size() >= kLineLimit || !std::ranges::all_of(state.line, is_printable)) {
    return fail(Errc::Corrupt, "restore debug port: a line it could not hold");
  }
  line_ = state.line;
  return {};
}

}  // namespace bh::vmm
