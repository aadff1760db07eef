#include "jail/number_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace bh::jail {
namespace {

TEST(NumberList, GivesEachNumber) {
  std::vector<unsigned> numbers;
  ASSERT_TRUE(each_of_list("0-2,5,7-7", 8, [&](unsigned number) { numbers.push_back(number); }));
  EXPECT_THAT(numbers, ::testing::ElementsAre(0, 1, 2, 5, 7));
}

TEST(NumberList, RefusesWhatIsNone) {
  for (auto const* const text :
       {"a", "1-", "-1", "3-1", "1,,2", "1,", "8", "0-8", "1 2", "99999999999"}) {
    EXPECT_FALSE(each_of_list(text, 8, [](unsigned) {})) << text;
  }
}

}  // namespace
}  // namespace bh::jail
