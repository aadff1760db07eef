#include "machine/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bh::machine {
namespace {

using testing::Contains;
using testing::ElementsAre;

image::ImageConfig config() {
  image::ImageConfig config;
  config.entrypoint = {"/entry", "-x"};
  config.command = {"serve"};
  config.environment = {"PATH=/bin", "A=1"};
  config.working_folder = "/srv";
  config.user = "web";
  return config;
}

TEST(ProcessOf, IsWhatTheImageSays) {
  auto const process = process_of({}, config()).value();
  EXPECT_THAT(process.words, ElementsAre("/entry", "-x", "serve"));
  EXPECT_THAT(process.environment, ElementsAre("PATH=/bin", "A=1"));
  EXPECT_EQ(process.working_folder, "/srv");
  EXPECT_EQ(process.user, "web");
}

TEST(ProcessOf, ACommandReplacesTheImagesAndKeepsTheEntrypoint) {
  auto const process = process_of({.command = {"test", "it"}}, config()).value();
  EXPECT_THAT(process.words, ElementsAre("/entry", "-x", "test", "it"));
}

TEST(ProcessOf, AnotherEntrypointLeavesTheImagesCommandOut) {
  EXPECT_THAT(process_of({.entrypoint = "/sh"}, config()).value().words, ElementsAre("/sh"));
  EXPECT_THAT(process_of({.command = {"ls"}, .entrypoint = ""}, config()).value().words,
              ElementsAre("ls"));
}

TEST(ProcessOf, VariablesOfTheDefinitionWin) {
  auto const process =
      process_of({.environment = {"A=2", "B=3"}, .host_name = "box"}, config()).value();
  EXPECT_THAT(process.environment, ElementsAre("PATH=/bin", "HOSTNAME=box", "A=2", "B=3"));
}

TEST(ProcessOf, APathIsAlwaysThere) {
  auto const process = process_of({.command = {"ls"}}, {}).value();
  EXPECT_THAT(process.environment, Contains(testing::StartsWith("PATH=/usr/local/sbin:")));
  EXPECT_EQ(process.working_folder, "/");
  EXPECT_EQ(process.user, "0");
}

TEST(ProcessOf, RefusesWhatCannotBeExecuted) {
  EXPECT_EQ(process_of({}, {}).error().code, Errc::Invalid);
  EXPECT_EQ(process_of({.working_folder = "here"}, config()).error().code, Errc::Invalid);
}

}  // namespace
}  // namespace bh::machine
