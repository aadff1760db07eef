#include "vmm/soft/mmu/page_slots.h"

#include "vmm/soft/mmu/secret_page.h"

namespace bh::vmm::soft {

namespace {

// A refill costs some ten nanoseconds: this many, and the slot is of no use to the place.
constexpr std::uint64_t kPatience = 4096;

}  // namespace

PageSlots::PageSlots() : nowhere_(secret_page()) {
  forget_all();
  be_patient();
}

void PageSlots::forget_range(std::uint64_t linear, std::uint64_t size) {
  for (auto* const slots : {&reads_, &writes_}) {
    for (auto& page : slots->page) page = (page ^ linear) < size ? nowhere_ : page;
  }
}

void PageSlots::forget_all() {
  reads_.page.fill(nowhere_);
  writes_.page.fill(nowhere_);
}

void PageSlots::be_patient() {
  reads_.patience.fill(kPatience);
  writes_.patience.fill(kPatience);
}

}  // namespace bh::vmm::soft
