#include "vmm/soft/compare/written_memory.h"

#include <gtest/gtest.h>

namespace bh::vmm::soft {
namespace {

TEST(WrittenMemoryTest, GivesBackTheOldestBytesAndFindsOthers) {
  std::array<std::byte, 8> ram{};
  WrittenMemory memory;
  memory.before(0x100, ram.data(), 4);
  ram[1] = std::byte{1};
  memory.before(0x101, ram.data() + 1, 1);
  ram[1] = std::byte{2};
  memory.note_result();
  EXPECT_TRUE(memory.changes().empty());
  memory.undo();
  EXPECT_EQ(ram[1], std::byte{0});
  auto const changes = memory.changes();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].linear, 0x101u);
  EXPECT_EQ(changes[0].noted, 2);
  EXPECT_EQ(changes[0].found, 0);
}

}  // namespace
}  // namespace bh::vmm::soft
