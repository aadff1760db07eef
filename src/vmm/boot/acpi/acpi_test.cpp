#include "vmm/boot/acpi/acpi.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "vmm/boot/layout.h"
#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

/// Finds the tables as a kernel does: RSDP, XSDT, and the FADT's pointers.
class AcpiTest : public testing::Test {
 protected:
  void read(AcpiContents const& contents) {
    auto const written = write_acpi(memory_, contents);
    ASSERT_TRUE(written) << written.error().message;
    ASSERT_EQ(text(kRsdp.value, 8), "RSD PTR ");
    ASSERT_EQ(byte_sum(bytes_at(memory_, kRsdp.value, 20)), 0u);
    ASSERT_EQ(byte_sum(bytes_at(memory_, kRsdp.value, 36)), 0u);
    auto const xsdt = value_at<std::uint64_t>(memory_, kRsdp.value + 24);
    ASSERT_EQ(add_table(xsdt), "XSDT");
    auto const length = value_at<std::uint32_t>(memory_, xsdt + 4);
    for (std::uint64_t at = xsdt + 36; at < xsdt + length; at += 8) {
      add_table(value_at<std::uint64_t>(memory_, at));
    }
    ASSERT_TRUE(tables_.contains("FACP"));
    add_table(value_at<std::uint64_t>(memory_, tables_["FACP"] + 140));
  }

  std::string add_table(std::uint64_t address) {
    auto const length = value_at<std::uint32_t>(memory_, address + 4);
    EXPECT_EQ(byte_sum(bytes_at(memory_, address, length)), 0u) << text(address, 4);
    tables_[text(address, 4)] = address;
    return text(address, 4);
  }

  std::string text(std::uint64_t address, std::size_t size) const {
    auto const bytes = bytes_at(memory_, address, size);
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }

  template <typename T>
  T fadt(std::uint64_t offset) {
    return value_at<T>(memory_, tables_["FACP"] + offset);
  }

  /// The structures of the MADT, by type.
  std::multimap<unsigned, std::vector<std::byte>> interrupt_structures() {
    std::multimap<unsigned, std::vector<std::byte>> found;
    std::uint64_t const madt = tables_["APIC"];
    std::uint64_t const end = madt + value_at<std::uint32_t>(memory_, madt + 4);
    for (std::uint64_t at = madt + 44; at < end;) {
      auto const size = value_at<std::uint8_t>(memory_, at + 1);
      found.emplace(value_at<std::uint8_t>(memory_, at), bytes_at(memory_, at, size));
      at += size;
    }
    return found;
  }

  GuestMemory memory_ = *GuestMemory::create(2u << 20);
  std::map<std::string, std::uint64_t> tables_;
};

TEST_F(AcpiTest, ReachesAllTablesFromTheRootPointer) {
  read({.vcpu_count = 2});
  for (char const* name : {"XSDT", "FACP", "APIC", "DSDT"}) EXPECT_TRUE(tables_.contains(name));
}

TEST_F(AcpiTest, FadtKeepsThePcsChipsAndNamesTheResetPort) {
  read({});
  EXPECT_EQ(value_at<std::uint32_t>(memory_, tables_["FACP"] + 4), 276u);
  EXPECT_EQ(fadt<std::uint16_t>(109), 0x7) << "legacy devices, i8042, no VGA; an RTC";
  EXPECT_EQ(fadt<std::uint32_t>(112) >> 20 & 1, 0u) << "not hardware-reduced";
  EXPECT_EQ(fadt<std::uint32_t>(112) >> 10 & 1, 1u) << "reset register";
  EXPECT_EQ(fadt<std::uint64_t>(120), 0x64u);
  EXPECT_EQ(fadt<std::uint8_t>(128), 0xfe);
  auto const facs = fadt<std::uint32_t>(36);
  EXPECT_EQ(facs % 64, 0u);
  EXPECT_EQ(text(facs, 4), "FACS");
  EXPECT_EQ(fadt<std::uint64_t>(140), fadt<std::uint32_t>(40)) << "both addresses of the DSDT";
}

TEST_F(AcpiTest, FadtRepeatsTheAcpiPowerPortsInItsExtendedFields) {
  read({});
  EXPECT_EQ(fadt<std::uint32_t>(56), 0x600u);
  EXPECT_EQ(fadt<std::uint64_t>(148 + 4), 0x600u);
  EXPECT_EQ(fadt<std::uint32_t>(64), 0x604u);
  EXPECT_EQ(fadt<std::uint64_t>(172 + 4), 0x604u);
  EXPECT_EQ(fadt<std::uint8_t>(88), 4);
  EXPECT_EQ(fadt<std::uint8_t>(89), 2);
}

TEST_F(AcpiTest, MadtListsOneLocalApicForEveryCpu) {
  read({.vcpu_count = 3});
  auto const structures = interrupt_structures();
  EXPECT_EQ(structures.count(0), 3u);
  EXPECT_EQ(structures.count(1), 1u);
  EXPECT_EQ(value_at<std::uint32_t>(memory_, tables_["APIC"] + 36), 0xfee00000u);
}

TEST_F(AcpiTest, MadtMovesTheTimerToItsPin) {
  read({.timer_pin = 2});
  auto const structures = interrupt_structures();
  auto const timer = structures.find(2);
  ASSERT_NE(timer, structures.end());
  EXPECT_EQ(timer->second[3], std::byte{0}) << "IRQ";
  EXPECT_EQ(timer->second[4], std::byte{2}) << "GSI";
  EXPECT_EQ(structures.count(2), 2u) << "timer and SCI";
}

TEST_F(AcpiTest, MadtHasNoOverrideForATimerOnItsOwnPin) {
  read({.timer_pin = 0});
  EXPECT_EQ(interrupt_structures().count(2), 1u) << "the SCI alone";
}

TEST_F(AcpiTest, DsdtNamesVirtioMmioDevices) {
  std::vector<MmioDevice> const devices{{{0xd000'0000}, 0x1000, 5}, {{0xd000'1000}, 0x1000, 6}};
  read({.mmio_devices = devices});
  auto const length = value_at<std::uint32_t>(memory_, tables_["DSDT"] + 4);
  auto const dsdt = text(tables_["DSDT"], length);
  EXPECT_NE(dsdt.find("V000"), std::string::npos);
  EXPECT_NE(dsdt.find("V001"), std::string::npos);
  EXPECT_NE(dsdt.find("LNRO0005"), std::string::npos);
  EXPECT_NE(dsdt.find(std::string("\x86\x09\x00\x01\x00\x10\x00\xd0\x00\x10\x00\x00", 12)),
            std::string::npos);
}

TEST_F(AcpiTest, RefusesDevicesThatCannotBe) {
  for (auto const& [device, message] : {
           std::pair{MmioDevice{{0xd000'0000}, 0, 5},
                     "virtio-mmio device of 0 bytes at 0xd0000000: must be a page or more and end "
                     "below 4 GiB"},
           std::pair{MmioDevice{{0xffff'f001}, 0x1000, 5},
                     "virtio-mmio device of 4 KiB at 0xfffff001: must be a page or more and end "
                     "below 4 GiB"},
           std::pair{MmioDevice{{0xd000'0000}, 0x1000, 24},
                     "virtio-mmio device at 0xd0000000: the IOAPIC has no pin 24"},
       }) {
    auto const refused = write_acpi(memory_, {.mmio_devices = std::span(&device, 1)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, message);
  }
}

TEST_F(AcpiTest, HasRoomForAllCpusAndADeviceOnEveryPin) {
  std::vector<MmioDevice> const devices(kIoApicPins, {{0xd000'0000}, 0x1000, 5});
  read({.vcpu_count = kMaxVcpus, .mmio_devices = devices});
}

TEST_F(AcpiTest, RefusesMoreDevicesThanItHasRoomFor) {
  std::vector<MmioDevice> const devices(2000, {{0xd000'0000}, 0x1000, 5});
  auto const refused = write_acpi(memory_, {.mmio_devices = devices});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "ACPI tables of that many devices do not fit below 1 MiB");
}

}  // namespace
}  // namespace bh::vmm::boot
