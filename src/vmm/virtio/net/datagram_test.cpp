#include "vmm/virtio/net/datagram.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bh::vmm::virtio {
namespace {

std::array<std::byte, 3> const kPayload{std::byte{1}, std::byte{2}, std::byte{3}};

Datagram datagram() {
  return {.source_mac = {2, 0, 0, 0, 0, 1},
          .destination_mac = {2, 0, 0, 0, 0, 2},
          .source = 0x0a000202,
          .destination = 0x0a00020f,
          .source_port = 1024,
          .destination_port = 53,
          .payload = kPayload};
}

TEST(Datagram, IsReadAsItWasMade) {
  auto const frame = make_frame(datagram());
  auto const read = parse_datagram(frame);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->source_mac, datagram().source_mac);
  EXPECT_EQ(read->destination_mac, datagram().destination_mac);
  EXPECT_EQ(read->source, datagram().source);
  EXPECT_EQ(read->destination, datagram().destination);
  EXPECT_EQ(read->source_port, 1024);
  EXPECT_EQ(read->destination_port, 53);
  EXPECT_TRUE(std::ranges::equal(read->payload, kPayload));
}

TEST(Datagram, HasAHeaderThatSumsUp) {
  auto const frame = make_frame(datagram());
  unsigned sum = 0;
  for (std::size_t i = 14; i < 34; i += 2) {
    sum += std::to_integer<unsigned>(frame[i]) << 8 | std::to_integer<unsigned>(frame[i + 1]);
  }
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
}

TEST(Datagram, WhatIsNoneIsLeftAlone) {
  auto const good = make_frame(datagram());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_datagram(std::span(good).first(size))) << size;
  }
  struct Change {
    std::size_t at;
    int value;
  };
  for (auto const& change :
       {Change{13, 6}, Change{14, 0x55}, Change{14, 0x44}, Change{14, 0x4f}, Change{20, 0x20},
        Change{23, 6}, Change{16, 1}, Change{39, 7}, Change{39, 12}}) {
    auto bad = good;
    bad[change.at] = static_cast<std::byte>(change.value);
    EXPECT_FALSE(parse_datagram(bad)) << change.at;
  }
}

}  // namespace
}  // namespace bh::vmm::virtio
