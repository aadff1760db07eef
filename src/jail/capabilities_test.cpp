#include "jail/capabilities.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace bh::jail {
namespace {

TEST(Capabilities, KnowsNamesInEitherCase) {
  EXPECT_EQ(capability_number("CAP_CHOWN"), CAP_CHOWN);
  EXPECT_EQ(capability_number("cap_sys_admin"), CAP_SYS_ADMIN);
  EXPECT_EQ(capability_number("CAP_CHECKPOINT_RESTORE"), CAP_CHECKPOINT_RESTORE);
}

TEST(Capabilities, DoesNotKnowOtherNames) {
  for (auto const* const name : {"", "CHOWN", "CAP_", "CAP_CHOWN ", "CAP_NOTHING"}) {
    EXPECT_FALSE(capability_number(name)) << name;
  }
}

TEST(Capabilities, NamesStandAtTheirNumbers) {
  auto const names = capability_names();
  ASSERT_EQ(names.size(), std::size_t{CAP_LAST_CAP} + 1);
  for (unsigned i = 0; i < names.size(); ++i) EXPECT_EQ(capability_number(names[i]), i);
}

}  // namespace
}  // namespace bh::jail
