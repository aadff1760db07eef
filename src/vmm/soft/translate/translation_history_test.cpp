#include "vmm/soft/translate/translation_history.h"

#include <gtest/gtest.h>

#include <memory>

namespace bh::vmm::soft {
namespace {

TEST(TranslationHistoryTest, SaysWhenMostCodeWasThereBefore) {
  auto const history = std::make_unique<TranslationHistory>();
  for (std::uint64_t key = 0; key < 100; ++key) history->made(key);
  EXPECT_FALSE(history->mostly_again());
  history->turn();
  for (std::uint64_t key = 0; key < 60; ++key) history->made(key);
  for (std::uint64_t key = 1000; key < 1040; ++key) history->made(key);
  EXPECT_TRUE(history->mostly_again());
  history->turn();
  for (std::uint64_t key = 60; key < 100; ++key) history->made(key);
  EXPECT_FALSE(history->mostly_again());
}

}  // namespace
}  // namespace bh::vmm::soft
