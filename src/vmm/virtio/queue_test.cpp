#include "vmm/virtio/queue.h"

#include <gtest/gtest.h>

#include "vmm/virtio/testing/fake_ring.h"

namespace bh::vmm::virtio {
namespace {

using testing::FakeRing;
using testing::Piece;

std::string text_of(std::span<Segment const> segments) {
  std::string text(total_size(segments), '\0');
  ChainReader(segments).read(std::as_writable_bytes(std::span(text)));
  return text;
}

class QueueTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kAll = kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex;

  Queue make(std::uint64_t features = kAll) {
    return Queue::create(memory_, ring_.config(), features).value();
  }
  /// What pop() says of a ring with one descriptor.
  std::string complaint(Descriptor const& descriptor, std::uint64_t features = kAll) {
    auto queue = make(features);
    ring_.set_descriptor(0, descriptor);
    ring_.make_available(0);
    auto const popped = queue.pop(chain_);
    return popped ? "none" : popped.error().message;
  }

  GuestMemory memory_ = std::move(GuestMemory::create(std::uint64_t{1} << 20).value());
  FakeRing ring_{memory_, {0x1000}};
  Chain chain_;
};

TEST_F(QueueTest, HandsOutChainsInOrderAndTakesThemBack) {
  auto queue = make();
  auto const first = ring_.offer({ring_.readable("ab"), ring_.readable("c"), ring_.writable(8)});
  auto const second = ring_.offer({ring_.writable(4)});
  ASSERT_EQ(queue.pop(chain_), true);
  EXPECT_EQ(chain_.head, first);
  EXPECT_EQ(text_of(chain_.readable), "abc");
  EXPECT_EQ(total_size(chain_.writable), 8u);
  queue.push(chain_, 5);
  ASSERT_EQ(queue.pop(chain_), true);
  EXPECT_EQ(chain_.head, second);
  EXPECT_EQ(queue.pop(chain_), false);
  EXPECT_EQ(ring_.used_index(), 0) << "shown before publish()";
  EXPECT_TRUE(queue.publish());
  auto const used = ring_.take();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->id, first);
  EXPECT_EQ(used->length, 5u);
}

TEST_F(QueueTest, FollowsIndirectTablesAsLongAsTheQueue) {
  auto queue = make();
  ring_.offer_indirect({ring_.readable("x"), ring_.readable("y"), ring_.writable(3)});
  ASSERT_EQ(queue.pop(chain_), true);
  EXPECT_EQ(text_of(chain_.readable), "xy");
  EXPECT_EQ(total_size(chain_.writable), 3u);
}

TEST_F(QueueTest, GoesRoundTheRing) {
  auto queue = make();
  for (int i = 0; i < 100; ++i) {
    ring_.offer({ring_.readable(std::to_string(i))});
    ASSERT_EQ(queue.pop(chain_), true);
    EXPECT_EQ(text_of(chain_.readable), std::to_string(i));
    queue.push(chain_, 0);
    queue.publish();
    ASSERT_TRUE(ring_.take());
  }
}

TEST_F(QueueTest, GivesAChainAgainAfterUnpop) {
  auto queue = make();
  ring_.offer({ring_.readable("a")});
  ASSERT_EQ(queue.pop(chain_), true);
  queue.unpop();
  ASSERT_EQ(queue.pop(chain_), true);
  EXPECT_EQ(text_of(chain_.readable), "a");
}

TEST_F(QueueTest, RefusesWhatBreaksTheRules) {
  EXPECT_EQ(complaint({.address = 0x8000, .length = 1, .flags = kDescriptorNext, .next = 16}),
            "virtqueue: descriptor 16 in a table of 16");
  EXPECT_EQ(complaint({.address = 0x8000, .length = 1, .flags = kDescriptorNext, .next = 0}),
            "virtqueue: a chain of more than 16 descriptors");
  EXPECT_EQ(complaint({.address = 0xfffff, .length = 2}),
            "virtqueue: buffer of 2 bytes at 0xfffff: not guest RAM");
  EXPECT_EQ(complaint({.address = ~0ULL, .length = 2}),
            "virtqueue: buffer of 2 bytes at 0xffffffffffffffff: not guest RAM");
  EXPECT_EQ(complaint({.address = 0x8000, .length = 24, .flags = kDescriptorIndirect}),
            "virtqueue: an indirect descriptor of 24 bytes where none may be");
  EXPECT_EQ(complaint({.address = 0x8000, .length = 0, .flags = kDescriptorIndirect}),
            "virtqueue: an indirect descriptor of 0 bytes where none may be");
  EXPECT_EQ(complaint({.address = 0x8000, .length = 16, .flags = kDescriptorIndirect}, 0),
            "virtqueue: an indirect descriptor of 16 bytes where none may be");
  EXPECT_EQ(complaint({.address = 1ULL << 40, .length = 16, .flags = kDescriptorIndirect}),
            "virtqueue: an indirect table outside guest RAM");
}

TEST_F(QueueTest, RefusesAnIndirectTableInsideAnother) {
  auto queue = make();
  auto const table = ring_.allocate(16);
  ASSERT_TRUE(memory_.write_object(
      table, Descriptor{.address = 0x8000, .length = 16, .flags = kDescriptorIndirect}));
  ring_.set_descriptor(0, {.address = table.value, .length = 16, .flags = kDescriptorIndirect});
  ring_.make_available(0);
  EXPECT_FALSE(queue.pop(chain_));
}

TEST_F(QueueTest, RefusesItsOwnTableAsAnIndirectOne) {
  auto queue = make();
  auto const table = ring_.config().descriptors;
  ring_.set_descriptor(0, {.address = table.value, .length = 16, .flags = kDescriptorIndirect});
  ring_.make_available(0);
  EXPECT_FALSE(queue.pop(chain_));
}

TEST_F(QueueTest, RefusesReadableAfterWritable) {
  auto queue = make();
  ring_.offer({ring_.writable(1), ring_.readable("a")});
  EXPECT_FALSE(queue.pop(chain_));
}

TEST_F(QueueTest, RefusesHeadsAndIndexesOutOfRange) {
  auto queue = make();
  ring_.make_available(16);
  EXPECT_FALSE(queue.pop(chain_));
  auto other = make();
  ring_.set_available_index(17);
  EXPECT_FALSE(other.pop(chain_));
}

TEST_F(QueueTest, RefusesBadConfigurations) {
  auto const refused = [this](auto change) {
    auto config = ring_.config();
    change(config);
    return !Queue::create(memory_, config, kAll);
  };
  EXPECT_TRUE(refused([](QueueConfig& config) { config.size = 0; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.size = 12; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.size = 512; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.descriptors.value += 8; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.available.value += 1; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.used.value += 2; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.used.value = (1 << 20) - 16; }));
  EXPECT_TRUE(refused([](QueueConfig& config) { config.descriptors.value = ~15ULL; }));
}

TEST_F(QueueTest, InterruptsWhenTheDriversEventIsReached) {
  auto queue = make();
  ring_.set_used_event(1);
  for (bool const wanted : {false, true, false}) {
    ring_.offer({ring_.writable(1)});
    ASSERT_EQ(queue.pop(chain_), true);
    queue.push(chain_, 0);
    EXPECT_EQ(queue.publish(), wanted);
  }
  EXPECT_FALSE(queue.publish()) << "nothing new";
}

TEST_F(QueueTest, HonoursTheFlagsWithoutEventIndexes) {
  auto queue = make(kFeatureVersion1);
  ring_.set_flags(kAvailNoInterrupt);
  ring_.offer({ring_.writable(1)});
  ASSERT_EQ(queue.pop(chain_), true);
  queue.push(chain_, 0);
  EXPECT_FALSE(queue.publish());
  queue.disable_notifications();
  EXPECT_EQ(ring_.used_flags(), kUsedNoNotify);
  EXPECT_FALSE(queue.enable_notifications());
  EXPECT_EQ(ring_.used_flags(), 0);
}

TEST_F(QueueTest, AsksForTheNextNotificationAndSeesWhatCameBefore) {
  auto queue = make();
  ring_.offer({ring_.writable(1)});
  ASSERT_EQ(queue.pop(chain_), true);
  EXPECT_FALSE(queue.enable_notifications());
  EXPECT_EQ(ring_.available_event(), 1);
  ring_.offer({ring_.writable(1)});
  EXPECT_TRUE(queue.enable_notifications());
}

TEST(Chain, ReadsAndWritesAcrossSegments) {
  auto memory = std::move(GuestMemory::create(4096).value());
  auto const segment = [&](std::uint64_t address, std::size_t size) {
    return Segment{{address}, {memory.host_address({address}, size), size}};
  };
  std::vector<Segment> const segments{segment(0, 2), segment(100, 0), segment(200, 3)};
  ChainWriter writer(memory, segments);
  std::string const text = "abcdefg";
  EXPECT_EQ(writer.write(std::as_bytes(std::span(text))), 5u);
  EXPECT_EQ(writer.written(), 5u);
  ChainReader reader(segments);
  reader.skip(1);
  EXPECT_EQ(reader.left(), 4u);
  std::vector<Segment> taken;
  reader.take(2, taken);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[1].address.value, 200u);
  EXPECT_EQ(reader.read_object<std::uint16_t>(), 'd' | 'e' << 8);
  EXPECT_EQ(reader.read_object<std::uint8_t>(), std::nullopt);
}

}  // namespace
}  // namespace bh::vmm::virtio
