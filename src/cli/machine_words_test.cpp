#include "cli/machine_words.h"

#include <gtest/gtest.h>

namespace bh::cli {
namespace {

using machine::State;

TEST(MachineWords, SayWhatAMachineDoes) {
  machine::Record record{.state = State::Created};
  EXPECT_EQ(status_words(record), "Created");
  record.state = State::Running;
  record.started = machine::now() - 125'000;
  EXPECT_EQ(status_words(record), "Up 2 minutes");
  record.state = State::Paused;
  EXPECT_EQ(status_words(record), "Up 2 minutes (paused)");
  record.state = State::Exited;
  record.exit_status = 7;
  record.ended = machine::now() - 3 * 3'600'000 - 1000;
  EXPECT_EQ(status_words(record), "Exited (7) 3 hours ago");
  record.supervisor = {.pid = 1, .start_time = 1};
  EXPECT_EQ(status_words(record), "Restarting (7) 3 hours ago");
  record.supervisor.reset();
  record.state = State::Failed;
  record.reason = machine::Reason::GuestPanic;
  EXPECT_EQ(status_words(record), "Failed (guest panic) 3 hours ago");
}

TEST(MachineWords, SayWhatIsExecuted) {
  machine::Definition definition;
  EXPECT_EQ(command_words(definition), "");
  definition.command = {"sh", "-c", "exit 7"};
  EXPECT_EQ(command_words(definition), "sh -c exit 7");
  definition.entrypoint = "/init";
  EXPECT_EQ(command_words(definition), "/init sh -c exit 7");
}

}  // namespace
}  // namespace bh::cli
