#include "container/launch/plan.h"

#include <gtest/gtest.h>

namespace bh::container {
namespace {

TEST(Plan, AnErrorBeginsWithItsStepAndUndoGoesBackwards) {
  std::string log;
  Plan plan;
  for (std::string const name : {"a", "b"}) {
    plan.add(
        Phase::Prepare, name,
        [&log, name]() -> Result<> {
          log += name;
          return {};
        },
        [&log, name] { log += "-" + name; });
  }
  plan.add(Phase::Populate, "later", [&log]() -> Result<> {
    log += "later";
    return {};
  });
  plan.add(
      Phase::Prepare, "c", []() -> Result<> { return fail(Errc::Denied, "no"); },
      [&log] { log += "-c"; });
  plan.add(Phase::Prepare, "d", [&log]() -> Result<> {
    log += "d";
    return {};
  });
  auto const run = plan.run(Phase::Prepare);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().message, "c: no");
  plan.undo();
  EXPECT_EQ(log, "ab-b-a");
}

TEST(Plan, WhatIsKeptIsNotUndone) {
  bool undone = false;
  Plan plan;
  plan.add(Phase::Prepare, "a", []() -> Result<> { return {}; }, [&] { undone = true; });
  ASSERT_TRUE(plan.run(Phase::Prepare));
  plan.keep();
  plan.undo();
  EXPECT_FALSE(undone);
}

}  // namespace
}  // namespace bh::container
