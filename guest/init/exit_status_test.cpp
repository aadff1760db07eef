#include "init/exit_status.h"

#include <gtest/gtest.h>

#include <csignal>

namespace bh::init {
namespace {

TEST(ExitStatus, IsTheOneTheProgramGave) {
  EXPECT_EQ(status_of_wait(W_EXITCODE(0, 0)), 0);
  EXPECT_EQ(status_of_wait(W_EXITCODE(42, 0)), 42);
  EXPECT_EQ(status_of_wait(W_EXITCODE(255, 0)), 255);
}

TEST(ExitStatus, IsAbove128ForAKilledProgramWithOrWithoutACore) {
  EXPECT_EQ(status_of_wait(W_EXITCODE(0, SIGKILL)), 137);
  EXPECT_EQ(status_of_wait(W_EXITCODE(0, SIGSEGV) | WCOREFLAG), 139);
}

TEST(ExitStatus, TellsAMissingProgramFromOneThatCannotRun) {
  EXPECT_EQ(status_of_exec_error(ENOENT), 127);
  EXPECT_EQ(status_of_exec_error(ENOTDIR), 127);
  EXPECT_EQ(status_of_exec_error(EACCES), 126);
  EXPECT_EQ(status_of_exec_error(ENOEXEC), 126);
}

}  // namespace
}  // namespace bh::init
