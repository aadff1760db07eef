#include "vmm/soft/cache/code_pages.h"

#include <gtest/gtest.h>

namespace bh::vmm::soft {
namespace {

class CodePagesTest : public testing::Test {
 protected:
  GuestMemory memory_ = GuestMemory::create(16 * kPageSize).value();
  CodePages pages_ = CodePages::create(memory_).value();
  std::byte* host_ = memory_.host_address({2 * kPageSize}, kPageSize);
  std::size_t page_ = pages_.page_of(host_);
};

TEST_F(CodePagesTest, IgnoresStoresWhereNoCodeWasDecoded) {
  EXPECT_FALSE(pages_.note_write(host_, 8));
  EXPECT_EQ(pages_.version(page_), 0u);
}

TEST_F(CodePagesTest, RaisesTheVersionOfAPageWhoseCodeIsOverwritten) {
  pages_.watch(host_ + 100, 15);
  EXPECT_TRUE(pages_.note_write(host_ + 110, 1));
  EXPECT_EQ(pages_.version(page_), 1u);
}

TEST_F(CodePagesTest, TellsCodeFromDataInTheSamePage) {
  pages_.watch(host_ + 128, 15);
  EXPECT_FALSE(pages_.note_write(host_, 128));
  EXPECT_FALSE(pages_.note_write(host_ + 192, 64));
  EXPECT_TRUE(pages_.note_write(host_ + 127, 2));
}

TEST_F(CodePagesTest, WatchesUpToTheLastByteOfAPage) {
  pages_.watch(host_ + kPageSize - 3, 3);
  EXPECT_TRUE(pages_.note_write(host_ + kPageSize - 1, 1));
}

TEST_F(CodePagesTest, HearsOfWritesThatDoNotComeFromAVcpu) {
  pages_.watch(host_, 15);
  memory_.set_write_hook(&pages_);
  ASSERT_TRUE(memory_.fill({kPageSize}, 2 * kPageSize, std::byte{0x90}));
  EXPECT_EQ(pages_.version(page_), 1u);
  memory_.set_write_hook(nullptr);
}

TEST_F(CodePagesTest, StopsWatchingAfterAChange) {
  pages_.watch(host_, 15);
  EXPECT_TRUE(pages_.note_write(host_, 4));
  EXPECT_FALSE(pages_.note_write(host_, 4));
}

}  // namespace
}  // namespace bh::vmm::soft
