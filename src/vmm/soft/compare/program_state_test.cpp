#include "vmm/soft/compare/program_state.h"

#include <gtest/gtest.h>

#include "vmm/soft/testing/bare_cpu.h"

namespace bh::vmm::soft {
namespace {

TEST(ProgramStateTest, NamesWhatDiffers) {
  BareCpu bare;
  auto const stepped = ProgramState::of(bare.cpu());
  auto translated = stepped;
  EXPECT_EQ(differences(stepped, translated, kAllFlags), "");
  translated.native.gpr[R11] = 0x1234;
  translated.native.ymm[3][9] = std::byte{1};
  translated.native.arithmetic = ArithmeticFlags::from_rflags(kFlagCf | kFlagZf);
  auto const words = differences(stepped, translated, kFlagCf);
  EXPECT_NE(words.find("r11"), std::string::npos);
  EXPECT_NE(words.find("translated 0x0000000000001234"), std::string::npos);
  EXPECT_NE(words.find("ymm3+8"), std::string::npos);
  EXPECT_NE(words.find("translated 0x0000000000000001"), std::string::npos);
  EXPECT_EQ(words.find("r12"), std::string::npos);
}

}  // namespace
}  // namespace bh::vmm::soft
