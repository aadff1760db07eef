#include "vmm/boot/command_line.h"

#include <gtest/gtest.h>

#include "vmm/boot/layout.h"
#include "vmm/boot/testing/guest_bytes.h"

namespace bh::vmm::boot {
namespace {

class CommandLineTest : public testing::Test {
 protected:
  GuestMemory memory_ = *GuestMemory::create(2u << 20);
};

TEST_F(CommandLineTest, StandsInMemoryWithATerminatingZero) {
  ASSERT_TRUE(memory_.fill(kCommandLine, 64, std::byte{0xff}));
  ASSERT_TRUE(write_command_line(memory_, "console=ttyS0"));
  auto const bytes = bytes_at(memory_, kCommandLine.value, 15);
  EXPECT_STREQ(reinterpret_cast<char const*>(bytes.data()), "console=ttyS0");
  EXPECT_EQ(bytes[14], std::byte{0xff});
}

TEST_F(CommandLineTest, MayHaveAsManyBytesAsTheKernelReads) {
  EXPECT_TRUE(write_command_line(memory_, std::string(2047, 'x')));
  auto const refused = write_command_line(memory_, std::string(2048, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "kernel command line of 2048 bytes: at most 2047 fit");
}

TEST_F(CommandLineTest, MayNotHoldAZeroByte) {
  auto const refused = write_command_line(memory_, std::string("a\0b", 3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "kernel command line has a zero byte in it");
}

}  // namespace
}  // namespace bh::vmm::boot
