#include "vmm/virtio/balloon/device.h"

#include <gtest/gtest.h>

#include "vmm/virtio/testing/fake_driver.h"

namespace bh::vmm::virtio {
namespace {

class BalloonTest : public ::testing::Test {
 protected:
  void start(BalloonConfig const& config) {
    device_ = std::move(BalloonDevice::create(config, *guest_.worker, guest_.memory).value());
    driver_ = std::make_unique<testing::FakeDriver>(guest_, *device_);
    driver_->start();
  }
  char byte_at(std::uint64_t address) { return guest_.memory.read_object<char>({address}).value(); }
  void fill(std::uint64_t address, std::uint64_t size) {
    ASSERT_TRUE(guest_.memory.fill({address}, size, std::byte{'x'}));
  }

  testing::Guest guest_;
  std::unique_ptr<BalloonDevice> device_;
  std::unique_ptr<testing::FakeDriver> driver_;
};

TEST_F(BalloonTest, GivesInflatedPagesBackToTheHost) {
  start({.amount_mib = 1});
  EXPECT_EQ(driver_->config(8), std::string("\0\1\0\0\0\0\0\0", 8));
  fill(0x100000, 0x4000);
  auto& ring = driver_->rings[0];
  std::array<std::uint32_t, 4> const pages{0x101, 0x102, 0x100, 0xffffffff};
  ring.offer({ring.readable_object(pages)});
  driver_->notify(0);
  EXPECT_TRUE(ring.take());
  EXPECT_EQ(byte_at(0x100000), '\0');
  EXPECT_EQ(byte_at(0x102fff), '\0');
  EXPECT_EQ(byte_at(0x103000), 'x');
  EXPECT_EQ(device_->metrics().event_fails.value(), 1u) << "a page that is not there";
}

TEST_F(BalloonTest, TakesALimitedNumberOfPagesFromABuffer) {
  start({.amount_mib = 1});
  constexpr std::uint32_t kMost = 8192;
  constexpr std::uint64_t kList = 0x80000;
  fill(0x100000, 0x2000);
  std::vector<std::uint32_t> pages(kMost, 0x100);
  pages.push_back(0x101);
  ASSERT_TRUE(guest_.memory.write({kList}, std::as_bytes(std::span(pages))));
  auto& ring = driver_->rings[0];
  ring.offer({{{kList}, static_cast<std::uint32_t>(4 * pages.size()), false}});
  driver_->notify(0);
  EXPECT_TRUE(ring.take());
  EXPECT_EQ(device_->metrics().inflate_count.value(), kMost);
  EXPECT_EQ(byte_at(0x100000), '\0');
  EXPECT_EQ(byte_at(0x101000), 'x');
}

TEST_F(BalloonTest, TellsTheDriverOfANewTarget) {
  start({});
  guest_.worker->run_and_wait([&] {
    EXPECT_TRUE(device_->set_target(1));
    EXPECT_FALSE(device_->set_target(1000));
  });
  EXPECT_EQ(driver_->config(4), std::string("\0\1\0\0", 4));
  EXPECT_EQ(driver_->read(kInterruptStatus), kInterruptConfigChange);
  driver_->write(kConfigSpace + 4, 77);
  driver_->settle();
  EXPECT_EQ(device_->actual_pages(), 77u);
}

TEST_F(BalloonTest, FreesWhatTheGuestReportsAsFree) {
  start({.free_page_reporting = true});
  ASSERT_EQ(driver_->rings.size(), 3u);
  fill(0x180000, 0x3000);
  auto& ring = driver_->rings[2];
  ring.offer({{{0x180000}, 0x2000, true}, {{0x182010}, 0x100, true}});
  driver_->notify(2);
  EXPECT_TRUE(ring.take());
  EXPECT_EQ(byte_at(0x181fff), '\0');
  EXPECT_EQ(byte_at(0x182020), 'x') << "not whole pages";
  EXPECT_EQ(device_->metrics().free_page_report_freed.value(), 0x2000u);
}

TEST_F(BalloonTest, FreesWhatTheGuestHintsAtInARun) {
  start({.free_page_hinting = true, .free_page_reporting = true});
  ASSERT_EQ(driver_->rings.size(), 4u);
  auto& ring = driver_->rings[2];
  auto const say = [&](std::uint32_t number) {
    ring.offer({ring.readable_object(number)});
    driver_->notify(2);
  };
  auto const hint = [&] {
    fill(0x180000, 0x1000);
    ring.offer({{{0x180000}, 0x1000, true}});
    driver_->write(kQueueNotify, 2);
    // At once: the driver may use the page again.
    return byte_at(0x180000) == '\0';
  };
  auto const command = [&] { return static_cast<int>(driver_->config(12)[8]); };
  EXPECT_FALSE(hint()) << "nobody asked";
  guest_.worker->run_and_wait([&] { EXPECT_TRUE(device_->start_hinting(true)); });
  EXPECT_EQ(command(), 2);
  EXPECT_FALSE(hint()) << "of no run";
  say(2);
  EXPECT_TRUE(hint());
  say(PageHinting::kStop);
  EXPECT_EQ(command(), static_cast<int>(PageHinting::kDone));
  EXPECT_FALSE(hint());

  guest_.worker->run_and_wait([&] { EXPECT_TRUE(device_->start_hinting(false)); });
  say(2);
  EXPECT_FALSE(hint()) << "of an earlier run";
  say(3);
  EXPECT_TRUE(hint());
  say(PageHinting::kStop);
  EXPECT_EQ(command(), 3) << "the guest keeps its pages until it is told";
  guest_.worker->run_and_wait([&] { EXPECT_TRUE(device_->stop_hinting()); });
  EXPECT_EQ(command(), static_cast<int>(PageHinting::kDone));
  EXPECT_EQ(device_->metrics().free_page_hint_freed.value(), 0x2000u);
}

TEST_F(BalloonTest, HasNoHintingUnlessAskedFor) {
  start({});
  guest_.worker->run_and_wait([&] {
    EXPECT_FALSE(device_->start_hinting(true));
    EXPECT_FALSE(device_->stop_hinting());
    EXPECT_FALSE(device_->hinting());
  });
}

TEST_F(BalloonTest, TakesStatisticsAndAsksAgain) {
  start({.stats_polling_interval_s = 3600});
  auto& ring = driver_->rings[2];
  std::string const numbers("\4\0\1\2\0\0\0\0\0\0\x63\0\1\1\1\1\1\1\1\1", 20);
  ring.offer({ring.readable(numbers)});
  driver_->notify(2);
  EXPECT_EQ(device_->statistics()[4], 0x201u);
  EXPECT_EQ(device_->statistics()[0], std::nullopt);
  EXPECT_FALSE(ring.take()) << "held until we ask";
  ring.offer({ring.readable(numbers)});
  driver_->notify(2);
  EXPECT_TRUE(ring.take()) << "one at a time";
  guest_.worker->run_and_wait([&] {
    EXPECT_TRUE(device_->set_polling(7));
    EXPECT_FALSE(device_->set_polling(0));
  });
}

}  // namespace
}  // namespace bh::vmm::virtio
