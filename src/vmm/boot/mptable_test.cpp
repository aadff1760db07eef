#include "vmm/boot/mptable.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "vmm/boot/layout.h"
#include "vmm/boot/mptable_layout.h"
#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

/// Reads the tables as a kernel does: from the floating pointer on, entry by entry.
class MpTableTest : public testing::Test {
 protected:
  void read(MpTableContents const& contents) {
    ASSERT_TRUE(write_mp_table(memory_, contents));
    auto const pointer = value_at<FloatingPointer>(memory_, kMpFloatingPointer.value);
    ASSERT_EQ(std::memcmp(pointer.signature, "_MP_", 4), 0);
    ASSERT_EQ(byte_sum(std::as_bytes(std::span(&pointer, 1))), 0u);
    auto const header = value_at<ConfigHeader>(memory_, pointer.config_table);
    ASSERT_EQ(std::memcmp(header.signature, "PCMP", 4), 0);
    ASSERT_EQ(byte_sum(bytes_at(memory_, pointer.config_table, header.length)), 0u);
    ASSERT_EQ(header.local_apic, 0xfee00000u);

    std::uint64_t place = pointer.config_table + sizeof header;
    for (unsigned i = 0; i < header.entry_count; ++i) place += read_entry(place);
    EXPECT_EQ(place, pointer.config_table + header.length);
  }

  std::size_t read_entry(std::uint64_t place) {
    switch (value_at<std::uint8_t>(memory_, place)) {
      case 0: processors_.push_back(value_at<ProcessorEntry>(memory_, place)); return 20;
      case 2: io_apics_.push_back(value_at<IoApicEntry>(memory_, place)); return 8;
      case 3: interrupts_.push_back(value_at<InterruptEntry>(memory_, place)); return 8;
      case 4: local_.push_back(value_at<InterruptEntry>(memory_, place)); return 8;
      default: return 8;
    }
  }

  GuestMemory memory_ = *GuestMemory::create(2u << 20);
  std::vector<ProcessorEntry> processors_;
  std::vector<IoApicEntry> io_apics_;
  std::vector<InterruptEntry> interrupts_;
  std::vector<InterruptEntry> local_;
};

TEST_F(MpTableTest, ListsCpusOfWhichTheFirstBoots) {
  read({.vcpu_count = 3});
  ASSERT_EQ(processors_.size(), 3u);
  for (unsigned id = 0; id < 3; ++id) {
    EXPECT_EQ(processors_[id].apic_id, id);
    EXPECT_EQ(processors_[id].flags, id == 0 ? 3 : 1);
  }
}

TEST_F(MpTableTest, GivesTheIoApicAnIdThatNoCpuHas) {
  read({.vcpu_count = 2});
  ASSERT_EQ(io_apics_.size(), 1u);
  EXPECT_EQ(io_apics_[0].address, 0xfec00000u);
  EXPECT_EQ(io_apics_[0].apic_id, 2);
}

TEST_F(MpTableTest, WiresInterruptsToThePinsOfTheirNumberAndTheTimerAsAsked) {
  read({.vcpu_count = 1, .timer_pin = 2});
  std::map<unsigned, unsigned> pins;
  for (auto const& entry : interrupts_) pins[entry.source_irq] = entry.pin;
  EXPECT_EQ(pins.size(), 23u);
  EXPECT_FALSE(pins.contains(2));
  for (auto const& [irq, pin] : pins) EXPECT_EQ(pin, irq == 0 ? 2 : irq);
}

TEST_F(MpTableTest, WiresThe8259ToLint0AndNmiToLint1) {
  read({});
  ASSERT_EQ(local_.size(), 2u);
  EXPECT_EQ(local_[0].kind, 3);
  EXPECT_EQ(local_[0].pin, 0);
  EXPECT_EQ(local_[1].kind, 1);
  EXPECT_EQ(local_[1].pin, 1);
}

TEST_F(MpTableTest, HasRoomForAllCpusThatMayBeAskedFor) {
  read({.vcpu_count = kMaxVcpus});
  EXPECT_EQ(processors_.size(), kMaxVcpus);
}

}  // namespace
}  // namespace bh::vmm::boot
