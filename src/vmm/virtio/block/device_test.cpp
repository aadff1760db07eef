#include "vmm/virtio/block/device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "vmm/virtio/block/io_ring.h"
#include "vmm/virtio/block/layout.h"
#include "vmm/virtio/testing/fake_driver.h"

namespace bh::vmm::virtio {
namespace {

constexpr std::uint64_t kImageSize = 64 * kSectorSize;

/// A file in memory with a path.
class ImageFile {
 public:
  explicit ImageFile(char letter, std::uint64_t size = kImageSize)
      : fd_(::memfd_create("image", MFD_CLOEXEC)) {
    std::string const bytes(size, letter);
    EXPECT_EQ(::pwrite(fd_.get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  std::string bytes(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '?');
    EXPECT_EQ(::pread(fd_.get(), bytes.data(), size, static_cast<off_t>(offset)),
              static_cast<ssize_t>(size));
    return bytes;
  }

 private:
  os::UniqueFd fd_;
};

class BlockTest : public ::testing::Test {
 protected:
  void start(DriveConfig config = {}) {
    config.drive_id = "test";
    if (config.path_on_host.empty()) config.path_on_host = file_.path();
    auto device = BlockDevice::create(config, *guest_.worker, guest_.memory);
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
    driver_ = std::make_unique<testing::FakeDriver>(guest_, *device_);
    driver_->start();
  }

  /// Offers a request with the pieces between header and status; returns its status.
  int request(std::uint32_t type, std::uint64_t sector, std::vector<testing::Piece> pieces) {
    auto& ring = driver_->rings[0];
    pieces.insert(pieces.begin(), ring.readable_object(BlockHeader{type, 0, sector}));
    auto const status = ring.writable(1);
    pieces.push_back(status);
    ring.offer(pieces);
    driver_->notify();
    guest_.worker->run_and_wait([this] { device_->settle(); });
    auto const used = ring.take();
    if (!used) return -1;
    used_length_ = used->length;
    return ring.text(status)[0];
  }
  testing::FakeRing& ring() { return driver_->rings[0]; }

  ImageFile file_{'i'};
  testing::Guest guest_;
  std::unique_ptr<BlockDevice> device_;
  std::unique_ptr<testing::FakeDriver> driver_;
  std::uint32_t used_length_ = 0;
};

TEST_F(BlockTest, ReadsAndWritesSectors) {
  start();
  std::string const text(1024, 'w');
  EXPECT_EQ(request(kBlockOut, 3, {ring().readable(text)}), kBlockOk);
  EXPECT_EQ(file_.bytes(3 * 512, 1024), text);
  EXPECT_EQ(file_.bytes(2 * 512, 512), std::string(512, 'i'));
  auto const first = ring().writable(512);
  auto const second = ring().writable(1024);
  EXPECT_EQ(request(kBlockIn, 2, {first, second}), kBlockOk);
  EXPECT_EQ(used_length_, 1537u);
  EXPECT_EQ(ring().text(first), std::string(512, 'i'));
  EXPECT_EQ(ring().text(second), text);
  EXPECT_EQ(device_->metrics().read_bytes.value(), 1536u);
  EXPECT_EQ(device_->metrics().write_count.value(), 1u);
}

TEST_F(BlockTest, ShowsItsSizeAndItsLimits) {
  start();
  auto const bytes = driver_->config(sizeof(BlockConfigSpace));
  BlockConfigSpace space;
  std::memcpy(&space, bytes.data(), sizeof space);
  EXPECT_EQ(space.capacity, 64u);
  EXPECT_EQ(space.seg_max, 254u);
  EXPECT_EQ(space.num_queues, 1u);
}

TEST_F(BlockTest, RefusesWhatLiesBeyondTheEnd) {
  start();
  EXPECT_EQ(request(kBlockIn, 64, {ring().writable(512)}), kBlockIoError);
  EXPECT_EQ(request(kBlockIn, 63, {ring().writable(1024)}), kBlockIoError);
  EXPECT_EQ(request(kBlockOut, ~0ULL, {ring().readable(std::string(512, 'x'))}), kBlockIoError);
  EXPECT_EQ(request(kBlockIn, 0, {ring().writable(100)}), kBlockIoError);
  EXPECT_EQ(request(77, 0, {}), kBlockUnsupported);
  EXPECT_EQ(device_->metrics().invalid_reqs.value(), 5u);
}

TEST_F(BlockTest, SurvivesRequestsWithoutHeaderOrStatus) {
  start();
  ring().offer({ring().readable("short")});
  ring().offer({ring().writable(1)});
  driver_->notify();
  EXPECT_EQ(ring().take()->length, 0u);
  EXPECT_EQ(ring().take()->length, 1u);
  EXPECT_FALSE(driver_->needs_reset());
}

TEST_F(BlockTest, WritesNothingToAReadOnlyDrive) {
  start({.is_read_only = true});
  EXPECT_EQ(driver_->offered_features() & kBlockReadOnly, kBlockReadOnly);
  EXPECT_EQ(request(kBlockOut, 0, {ring().readable(std::string(512, 'x'))}), kBlockIoError);
  BlockRange const range{.sector = 0, .num_sectors = 1};
  EXPECT_EQ(request(kBlockDiscardRequest, 0, {ring().readable_object(range)}), kBlockIoError);
  EXPECT_EQ(file_.bytes(0, 512), std::string(512, 'i'));
}

TEST_F(BlockTest, OffersFlushOnlyWithAWritebackCache) {
  start();
  EXPECT_EQ(driver_->offered_features() & kBlockFlush, 0u);
  driver_.reset();
  start({.cache_type = CacheType::Writeback});
  EXPECT_EQ(driver_->offered_features() & kBlockFlush, kBlockFlush);
  EXPECT_EQ(request(kBlockFlushRequest, 0, {}), kBlockOk);
  EXPECT_EQ(device_->metrics().flush_count.value(), 1u);
}

TEST_F(BlockTest, ClearsAndDiscardsRanges) {
  start();
  BlockRange const range{.sector = 8, .num_sectors = 16, .flags = kBlockRangeUnmap};
  EXPECT_EQ(request(kBlockWriteZeroesRequest, 0, {ring().readable_object(range)}), kBlockOk);
  EXPECT_EQ(file_.bytes(8 * 512, 16 * 512), std::string(16 * 512, '\0'));
  EXPECT_EQ(file_.bytes(7 * 512, 512), std::string(512, 'i'));
  EXPECT_EQ(request(kBlockDiscardRequest, 0, {ring().readable_object(range)}), kBlockUnsupported);
  BlockRange const far{.sector = 63, .num_sectors = 2};
  EXPECT_EQ(request(kBlockDiscardRequest, 0, {ring().readable_object(far)}), kBlockIoError);
}

TEST_F(BlockTest, TellsItsSerialNumber) {
  start();
  auto const id = ring().writable(20);
  EXPECT_EQ(request(kBlockGetId, 0, {id}), kBlockOk);
  EXPECT_NE(ring().text(id)[0], '\0');
}

TEST_F(BlockTest, KeepsWritesInTheOverlayAndTheImageAsItIs) {
  start({.overlay = DriveOverlay::Ephemeral});
  EXPECT_EQ(request(kBlockOut, 3, {ring().readable(std::string(1024, 'o'))}), kBlockOk);
  auto const whole = ring().writable(32 * 512);
  EXPECT_EQ(request(kBlockIn, 0, {whole}), kBlockOk);
  auto expected = std::string(32 * 512, 'i');
  expected.replace(3 * 512, 1024, std::string(1024, 'o'));
  EXPECT_EQ(ring().text(whole), expected);
  BlockRange const range{.sector = 1, .num_sectors = 3};
  EXPECT_EQ(request(kBlockWriteZeroesRequest, 0, {ring().readable_object(range)}), kBlockOk);
  EXPECT_EQ(request(kBlockIn, 0, {whole}), kBlockOk);
  expected.replace(512, 3 * 512, std::string(3 * 512, '\0'));
  EXPECT_EQ(ring().text(whole), expected);
  EXPECT_EQ(file_.bytes(0, kImageSize), std::string(kImageSize, 'i'));
}

TEST_F(BlockTest, ChangesItsImageWhileItRuns) {
  start();
  ImageFile const other('n', 2 * kImageSize);
  guest_.worker->run_and_wait([&] { EXPECT_TRUE(device_->replace_image(other.path())); });
  auto const sector = ring().writable(512);
  EXPECT_EQ(request(kBlockIn, 100, {sector}), kBlockOk);
  EXPECT_EQ(ring().text(sector), std::string(512, 'n'));
  EXPECT_EQ(driver_->read(kInterruptStatus) & kInterruptConfigChange, kInterruptConfigChange);
  guest_.worker->run_and_wait([&] { EXPECT_FALSE(device_->replace_image("/nowhere")); });
  EXPECT_EQ(request(kBlockIn, 100, {sector}), kBlockOk);
}

TEST_F(BlockTest, ServesEveryQueue) {
  start({.num_queues = 3});
  ASSERT_EQ(driver_->rings.size(), 3u);
  auto& last = driver_->rings[2];
  auto const sector = last.writable(512);
  last.offer({last.readable_object(BlockHeader{kBlockIn, 0, 0}), sector, last.writable(1)});
  driver_->notify(2);
  EXPECT_EQ(last.text(sector), std::string(512, 'i'));
}

TEST_F(BlockTest, HoldsRequestsBackBeyondItsRate) {
  start({.rate_limiter =
             RateLimiterConfig{.bandwidth = {}, .ops = TokenBucketConfig{2, 3'600'000, 0}}});
  EXPECT_EQ(request(kBlockIn, 0, {ring().writable(512)}), kBlockOk);
  EXPECT_EQ(request(kBlockIn, 0, {ring().writable(512)}), kBlockOk);
  EXPECT_EQ(request(kBlockIn, 0, {ring().writable(512)}), -1);
  EXPECT_EQ(device_->metrics().rate_limiter_throttled_events.value(), 1u);
}

TEST_F(BlockTest, SaysWhatCannotBeADrive) {
  auto const complaint = [&](std::string const& path) {
    auto const device =
        BlockDevice::create({.drive_id = "x", .path_on_host = path}, *guest_.worker, guest_.memory);
    return device ? "none" : device.error().message;
  };
  EXPECT_EQ(complaint("/nowhere"), "open /nowhere: No such file or directory");
  EXPECT_EQ(complaint("/dev/null"), "/dev/null: neither a regular file nor a block device");
}

TEST_F(BlockTest, ReadsWritesAndFlushesThroughARing) {
  if (!IoRing::create()) GTEST_SKIP() << "this host has no io_uring";
  start({.cache_type = CacheType::Writeback, .io_engine = IoEngine::Async});
  std::string const text(1024, 'w');
  EXPECT_EQ(request(kBlockOut, 3, {ring().readable(text)}), kBlockOk);
  EXPECT_EQ(file_.bytes(3 * 512, 1024), text);
  EXPECT_EQ(request(kBlockFlushRequest, 0, {}), kBlockOk);
  auto const first = ring().writable(512);
  auto const second = ring().writable(1024);
  EXPECT_EQ(request(kBlockIn, 2, {first, second}), kBlockOk);
  EXPECT_EQ(used_length_, 1537u);
  EXPECT_EQ(ring().text(first) + ring().text(second), std::string(512, 'i') + text);
  EXPECT_EQ(request(kBlockIn, 64, {ring().writable(512)}), kBlockIoError);
  EXPECT_EQ(device_->metrics().write_bytes.value(), 1024u);
  EXPECT_EQ(device_->metrics().flush_count.value(), 1u);
}

TEST_F(BlockTest, KeepsManyRequestsInFlight) {
  if (!IoRing::create()) GTEST_SKIP() << "this host has no io_uring";
  start({.io_engine = IoEngine::Async});
  std::vector<testing::Piece> read;
  for (std::uint64_t i = 0; i < 5; ++i) {
    read.push_back(ring().writable(512));
    ring().offer(
        {ring().readable_object(BlockHeader{kBlockIn, 0, i}), read.back(), ring().writable(1)});
  }
  driver_->notify();
  guest_.worker->run_and_wait([this] { device_->settle(); });
  for (auto const& piece : read) {
    EXPECT_TRUE(ring().take());
    EXPECT_EQ(ring().text(piece), std::string(512, 'i'));
  }
  EXPECT_FALSE(ring().take());
}

TEST_F(BlockTest, ReadsZerosThroughARingWhereTheFileHasShrunk) {
  if (!IoRing::create()) GTEST_SKIP() << "this host has no io_uring";
  start({.io_engine = IoEngine::Async});
  ASSERT_EQ(::truncate(file_.path().c_str(), 512), 0);
  auto const data = ring().writable(1024);
  EXPECT_EQ(request(kBlockIn, 0, {data}), kBlockOk);
  EXPECT_EQ(ring().text(data), std::string(512, 'i') + std::string(512, '\0'));
}

TEST_F(BlockTest, HasNoRingForOverlays) {
  auto const device = BlockDevice::create({.path_on_host = file_.path(),
                                           .io_engine = IoEngine::Async,
                                           .overlay = DriveOverlay::Ephemeral},
                                          *guest_.worker, guest_.memory);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, Errc::Unsupported);
}

}  // namespace
}  // namespace bh::vmm::virtio
