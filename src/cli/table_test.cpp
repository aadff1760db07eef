#include "cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace bh::cli {
namespace {

TEST(Table, HasColumnsAsWideAsTheirWidestCell) {
  Table table{{"A", "LONG HEAD", "C"}};
  table.add({"cell", "b", "the last is not filled up"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "A      LONG HEAD   C\ncell   b           the last is not filled up\n");
}

}  // namespace
}  // namespace bh::cli
