#include "vmm/virtio/net/loopback_guard.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace bh::vmm::virtio {
namespace {

struct Case {
  char const* what;
  std::array<std::uint8_t, 4> to;
  std::uint8_t protocol;
  std::uint16_t port;
  bool reaches;
  bool fragment = false;
  std::uint8_t options = 0;  // Words of IP options before the port.
};

std::vector<std::byte> frame(Case const& c) {
  std::vector<std::byte> bytes(14 + 20 + c.options * 4U + 8);
  bytes[12] = std::byte{8};
  bytes[14] = static_cast<std::byte>(0x45 + c.options);
  if (c.fragment) bytes[20] = std::byte{0x20};
  bytes[23] = std::byte{c.protocol};
  for (std::size_t i = 0; i < 4; ++i) bytes[30 + i] = std::byte{c.to[i]};
  bytes[36 + c.options * 4U] = static_cast<std::byte>(c.port >> 8);
  bytes[37 + c.options * 4U] = static_cast<std::byte>(c.port & 255);
  return bytes;
}

constexpr Case kCases[] = {
    {"a server elsewhere", {192, 0, 2, 1}, 6, 80, false},
    {"the host", {10, 0, 2, 2}, 6, 80, true},
    {"the host's names", {10, 0, 2, 2}, 17, 53, true},
    {"an address nobody has", {10, 0, 2, 77}, 6, 80, true},
    {"the name server", {10, 0, 2, 3}, 17, 53, false},
    {"the name server by TCP", {10, 0, 2, 3}, 6, 53, false},
    {"another port of the name server", {10, 0, 2, 3}, 6, 631, true},
    {"a port behind options", {10, 0, 2, 3}, 6, 631, true, false, 3},
    {"names behind options", {10, 0, 2, 3}, 6, 53, false, false, 3},
    {"a fragment", {10, 0, 2, 3}, 17, 53, true, true},
    {"a fragment for elsewhere", {192, 0, 2, 1}, 17, 53, false, true},
    {"DHCP", {255, 255, 255, 255}, 17, 67, false},
    {"a lease's renewal", {10, 0, 2, 2}, 17, 67, false},
    {"DHCP of a stranger", {10, 0, 2, 9}, 17, 67, true},
    {"a broadcast", {255, 255, 255, 255}, 17, 137, true},
    {"an echo", {10, 0, 2, 2}, 1, 0, false},
    {"the loopback itself", {127, 0, 0, 1}, 6, 80, true},
    {"a resolver on the loopback", {127, 0, 0, 53}, 17, 53, true},
    {"this host", {0, 0, 0, 0}, 6, 80, true},
    {"another protocol", {10, 0, 2, 2}, 47, 0, true},
};

TEST(LoopbackGuard, TellsWhatReachesTheHostsLoopback) {
  for (auto const& c : kCases) {
    EXPECT_EQ(may_reach_host_loopback(frame(c)), c.reaches) << c.what;
  }
}

TEST(LoopbackGuard, KnowsTheAddressesOnlyTheHostCanMean) {
  EXPECT_TRUE(is_for_loopback(frame({"", {127, 1, 2, 3}, 6, 80, true})));
  EXPECT_TRUE(is_for_loopback(frame({"", {0, 0, 0, 0}, 6, 80, true})));
  EXPECT_FALSE(is_for_loopback(frame({"", {10, 0, 2, 2}, 6, 80, true})));
}

TEST(LoopbackGuard, KnowsAnswersToTheHostFromABeginning) {
  auto bytes = frame({"", {10, 0, 2, 2}, 6, 40000, true});
  bytes.resize(14 + 20 + 20);
  bytes[35] = std::byte{80};
  auto& flags = bytes[14 + 20 + 13];
  for (int const answer : {0x12, 0x10, 0x11, 0x04}) {
    flags = static_cast<std::byte>(answer);
    EXPECT_TRUE(answers_host(bytes, 80)) << answer;
    EXPECT_FALSE(answers_host(bytes, 81)) << answer;
  }
  flags = std::byte{0x02};
  EXPECT_FALSE(answers_host(bytes, 80));
  flags = std::byte{0x10};
  EXPECT_FALSE(answers_host(std::span(bytes).first(14 + 20 + 13), 80));
  bytes[33] = std::byte{3};  // The name server.
  EXPECT_FALSE(answers_host(bytes, 80));
}

TEST(LoopbackGuard, LetsShortFramesAndOtherProtocolsPass) {
  auto bytes = frame({"", {10, 0, 2, 2}, 6, 80, true});
  EXPECT_FALSE(may_reach_host_loopback(std::span(bytes).first(33)));
  // Cut before the port: not shown to be for the names.
  bytes = frame({"", {10, 0, 2, 3}, 6, 53, true});
  EXPECT_TRUE(may_reach_host_loopback(std::span(bytes).first(34)));
  bytes[13] = std::byte{6};  // ARP
  EXPECT_FALSE(may_reach_host_loopback(bytes));
}

}  // namespace
}  // namespace bh::vmm::virtio
