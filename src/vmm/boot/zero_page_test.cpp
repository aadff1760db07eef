#include "vmm/boot/zero_page.h"

#include <gtest/gtest.h>

#include "vmm/boot/layout.h"
#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

class ZeroPageTest : public testing::Test {
 protected:
  boot_params write(ZeroPageContents const& contents) {
    EXPECT_TRUE(write_zero_page(memory_, contents));
    return value_at<boot_params>(memory_, kZeroPage.value);
  }

  GuestMemory memory_ = *GuestMemory::create(4u << 20);
};

TEST_F(ZeroPageTest, GivesAVmlinuxAHeaderOfItsOwn) {
  auto const page = write({});
  EXPECT_EQ(page.hdr.boot_flag, 0xaa55);
  EXPECT_EQ(page.hdr.header, 0x53726448u);
  EXPECT_EQ(page.hdr.type_of_loader, 0xff);
  EXPECT_EQ(page.hdr.cmd_line_ptr, kCommandLine.value);
  EXPECT_EQ(page.acpi_rsdp_addr, kRsdp.value);
  EXPECT_EQ(page.hdr.ramdisk_size, 0u);
}

TEST_F(ZeroPageTest, KeepsTheHeaderOfABzImageButForWhatTheLoaderSays) {
  setup_header header{};
  header.boot_flag = 0xaa55;
  header.init_size = 0x1234000;
  header.loadflags = 0x03;
  header.ramdisk_image = 0xdead;
  header.setup_data = 0xbad;
  auto const page = write({.header = header, .setup_data = {0x8000}});
  EXPECT_EQ(page.hdr.init_size, 0x1234000u);
  EXPECT_EQ(page.hdr.loadflags, 0x01) << "the kernel was not moved";
  EXPECT_EQ(page.hdr.setup_data, 0x8000u);
}

TEST_F(ZeroPageTest, NamesTheInitrd) {
  auto const page = write({.initrd = InitrdPlace{.address = {0x300000}, .size = 0x1234}});
  EXPECT_EQ(page.hdr.ramdisk_image, 0x300000u);
  EXPECT_EQ(page.hdr.ramdisk_size, 0x1234u);
}

TEST_F(ZeroPageTest, HoldsTheMemoryMap) {
  std::array const map{E820Entry{{0}, 0x9fc00, E820Type::Ram},
                       E820Entry{{0x9fc00}, 0x400, E820Type::Reserved}};
  auto const page = write({.memory_map = map});
  ASSERT_EQ(page.e820_entries, 2);
  EXPECT_EQ(page.e820_table[1].addr, 0x9fc00u);
  EXPECT_EQ(page.e820_table[1].size, 0x400u);
  EXPECT_EQ(page.e820_table[1].type, 2u);
}

}  // namespace
}  // namespace bh::vmm::boot
