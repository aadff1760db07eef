#include "guest_ports.h"

#include <algorithm>

namespace bh::guest_test {

namespace {

constexpr std::uint16_t kTextPort = 0xe9;
constexpr std::uint16_t kExitPort = 0xf4;
constexpr std::uint16_t kLinePort = 0xf5;
constexpr std::uint16_t kEchoPort = 0x600;
constexpr std::uint64_t kMmio = 0xd000'0000;
// A guest gone wild must not fill the test's memory.
constexpr std::size_t kLongestText = 1u << 16;

/// `size` bytes of `store` at `offset`, or nothing if they are not inside.
std::span<std::byte> window(std::span<std::byte> store, std::uint64_t offset, std::size_t size) {
  if (offset > store.size() || size > store.size() - offset) return {};
  return store.subspan(offset, size);
}

}  // namespace

void GuestPorts::write_port(std::uint16_t port, std::span<std::byte const> data) {
  if (data.empty()) return;
  auto const byte = std::to_integer<unsigned>(data[0]);
  switch (port) {
    case kTextPort:
      if (text_.size() < kLongestText) text_.push_back(static_cast<char>(byte));
      return;
    case kExitPort:
      if (!status_) status_ = static_cast<int>(byte);
      return;
    case kLinePort: {
      auto const level = (byte & 0x80) != 0 ? vmm::LineLevel::High : vmm::LineLevel::Low;
      if (auto set = engine_.set_irq_line(byte & 0x7f, level); !set) {
        text_ += "[" + set.error().message + "]";
      }
      return;
    }
    default:
      if (auto const store = window(echo_, port - std::uint64_t{kEchoPort}, data.size());
          port >= kEchoPort && !store.empty()) {
        std::ranges::copy(data, store.begin());
      }
  }
}

void GuestPorts::read_port(std::uint16_t port, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
  if (port < kEchoPort) return;
  auto const store = window(echo_, port - std::uint64_t{kEchoPort}, data.size());
  std::ranges::copy(store, data.begin());
}

void GuestPorts::write_mmio(vmm::GuestAddress address, std::span<std::byte const> data) {
  if (address.value < kMmio) return;
  auto const store = window(mmio_, address.value - kMmio, data.size());
  if (!store.empty()) std::ranges::copy(data, store.begin());
}

void GuestPorts::read_mmio(vmm::GuestAddress address, std::span<std::byte> data) {
  std::ranges::fill(data, std::byte{0xff});
  if (address.value < kMmio) return;
  auto const store = window(mmio_, address.value - kMmio, data.size());
  std::ranges::copy(store, data.begin());
}

}  // namespace bh::guest_test
