#include "jail/seccomp.h"

#include <gtest/gtest.h>

namespace bh::jail {
namespace {

SeccompProfile profile() {
  SeccompProfile out;
  out.default_action = {.name = "SCMP_ACT_ALLOW", .error = {}};
  out.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
  out.rules.push_back({.names = {"mkdir", "no_such_call"},
                       .action = {.name = "SCMP_ACT_ERRNO", .error = 5},
                       .arguments = {}});
  return out;
}

TEST(Seccomp, CompilesAProfileWithNamesOfOtherKernels) {
  auto const filter = SeccompFilter::compile(profile());
  ASSERT_TRUE(filter);
  EXPECT_FALSE(filter->notifies());
}

TEST(Seccomp, RefusesWhatItDoesNotKnow) {
  auto action = profile();
  action.rules[0].action.name = "SCMP_ACT_MAYBE";
  EXPECT_FALSE(SeccompFilter::compile(action));
  auto architecture = profile();
  architecture.architectures[0] = "SCMP_ARCH_PDP11";
  EXPECT_FALSE(SeccompFilter::compile(architecture));
  auto flag = profile();
  flag.flags = {"SECCOMP_FILTER_FLAG_X"};
  EXPECT_FALSE(SeccompFilter::compile(flag));
  auto argument = profile();
  argument.rules[0].arguments = {
      {.index = 6, .value = 1, .value_two = 0, .comparison = "SCMP_CMP_EQ"}};
  EXPECT_FALSE(SeccompFilter::compile(argument));
}

TEST(Seccomp, NotifyIsForSingleCallsOnly) {
  auto notifying = profile();
  notifying.rules[0].action = {.name = "SCMP_ACT_NOTIFY", .error = {}};
  auto const filter = SeccompFilter::compile(notifying);
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->notifies());
  notifying.default_action.name = "SCMP_ACT_NOTIFY";
  EXPECT_FALSE(SeccompFilter::compile(notifying));
}

}  // namespace
}  // namespace bh::jail
