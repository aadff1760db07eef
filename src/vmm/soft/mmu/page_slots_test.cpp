#include "vmm/soft/mmu/page_slots.h"

#include <gtest/gtest.h>

#include "vmm/soft/mmu/tlb.h"
#include "vmm/soft/mmu/walk.h"

namespace bh::vmm::soft {
namespace {

constexpr std::uint64_t kPage = 0x7f12'3456'7000;
constexpr std::size_t kSlot = 7;

/// What translated code does when it refills a slot.
void refill(PageSlots const& slots, Access access, std::uint64_t page) {
  const_cast<PageSlots::Slots&>(slots.of(access)).page[kSlot] = page;
}

bool has(PageSlots const& slots, Access access, std::uint64_t linear) {
  return (slots.of(access).page[kSlot] ^ linear) < kPageSize;
}

TEST(PageSlotsTest, HasNoPageThatAProgramCouldUse) {
  PageSlots const slots;
  for (auto const access : {Access::Read, Access::Write}) {
    EXPECT_FALSE(has(slots, access, 0));
    EXPECT_FALSE(has(slots, access, kPage));
  }
  EXPECT_FALSE(is_canonical(slots.nowhere()));
}

TEST(PageSlotsTest, ForgetsAPageWhateverItWasUsedFor) {
  PageSlots slots;
  refill(slots, Access::Read, kPage);
  refill(slots, Access::Write, kPage + kPageSize);
  slots.forget_page(kPage + 5);
  EXPECT_FALSE(has(slots, Access::Read, kPage));
  EXPECT_TRUE(has(slots, Access::Write, kPage + kPageSize));
  slots.forget_page(kPage + kPageSize);
  EXPECT_FALSE(has(slots, Access::Write, kPage + kPageSize));
}

TEST(PageSlotsTest, KeepsReadsWhenWritesAreForgotten) {
  PageSlots slots;
  refill(slots, Access::Read, kPage);
  refill(slots, Access::Write, kPage);
  slots.forget_writes();
  EXPECT_TRUE(has(slots, Access::Read, kPage));
  EXPECT_FALSE(has(slots, Access::Write, kPage));
}

TEST(PageSlotsTest, AreForgottenWithTheAddressSpaceOnlyForPrograms) {
  Mmu mmu;
  refill(mmu.slots(Privilege::User), Access::Read, kPage);
  refill(mmu.slots(Privilege::Supervisor), Access::Read, kPage);
  mmu.forget_local();
  EXPECT_FALSE(has(mmu.slots(Privilege::User), Access::Read, kPage));
  EXPECT_TRUE(has(mmu.slots(Privilege::Supervisor), Access::Read, kPage));
  mmu.forget_all();
  EXPECT_FALSE(has(mmu.slots(Privilege::Supervisor), Access::Read, kPage));
}

TEST(PageSlotsTest, ThePageOfALargerOneTakesAllOfItAlong) {
  constexpr std::uint64_t kLarge = 2u << 20;
  Mmu mmu;
  mmu.note_page_size(kPage, kLarge);
  refill(mmu.slots(Privilege::User), Access::Write, kPage);
  mmu.forget_page((kPage & ~(kLarge - 1)) + kLarge - 1);
  EXPECT_FALSE(has(mmu.slots(Privilege::User), Access::Write, kPage));
}

TEST(PageSlotsTest, MayNotHoldKernelPagesThatAreNotGlobal) {
  std::array<std::byte, kPageSize> memory{};
  Mmu mmu;
  auto const noted = [&](Privilege privilege, bool global) {
    mmu.insert_inline(privilege, kPage, memory.data(), Access::Read, global);
    auto const& entry =
        (&mmu.inline_tlb(privilege).first())[kPage / kPageSize % InlineTlb::kEntries];
    return entry.noted;
  };
  EXPECT_EQ(noted(Privilege::Supervisor, true), kPage);
  EXPECT_EQ(noted(Privilege::Supervisor, false), mmu.slots(Privilege::Supervisor).nowhere());
  EXPECT_EQ(noted(Privilege::User, false), kPage);
}

}  // namespace
}  // namespace bh::vmm::soft
