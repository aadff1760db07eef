#include "machine/supervise/probe_judge.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

using std::chrono::milliseconds;
using Verdict = ProbeJudge::Verdict;

TEST(ProbeJudge, NeedsSeveralFailuresInARow) {
  ProbeJudge judge({.retries = 2});
  EXPECT_EQ(judge.take(true, milliseconds(1)), Verdict::Good);
  EXPECT_EQ(judge.take(false, milliseconds(2)), Verdict::Good);
  EXPECT_EQ(judge.take(true, milliseconds(3)), Verdict::Good);
  EXPECT_EQ(judge.take(false, milliseconds(4)), Verdict::Good);
  EXPECT_EQ(judge.take(false, milliseconds(5)), Verdict::Bad);
  EXPECT_EQ(judge.take(true, milliseconds(6)), Verdict::Good);
}

TEST(ProbeJudge, CountsNoFailureOfTheStartUntilItIsOver) {
  ProbeJudge judge({.start_period = milliseconds(100), .retries = 1});
  EXPECT_EQ(judge.take(false, milliseconds(50)), Verdict::Starting);
  EXPECT_EQ(judge.take(false, milliseconds(100)), Verdict::Bad);
  ProbeJudge other({.start_period = milliseconds(100), .retries = 1});
  EXPECT_EQ(other.take(true, milliseconds(10)), Verdict::Good);
  EXPECT_EQ(other.take(false, milliseconds(20)), Verdict::Bad);
}

}  // namespace
}  // namespace bh::machine
