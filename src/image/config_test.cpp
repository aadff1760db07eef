#include "image/config.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

ImageConfig config() {
  ImageConfig config;
  config.created = "2024-01-02T03:04:05Z";
  config.platform = Platform::parse("linux/arm/v7").value();
  config.user = "65534:100";
  config.environment = {"PATH=/bin", "EMPTY="};
  config.entrypoint = {"/bin/sh", "-c"};
  config.command = {"echo \"hi\""};
  config.working_folder = "/srv";
  config.exposed_ports = {"80/tcp"};
  config.volumes = {"/data"};
  config.labels = {{"a.b", "c"}};
  config.stop_signal = "SIGQUIT";
  config.diff_ids = {Digest::of("one"), Digest::of("two")};
  config.history = {{.created = "", .created_by = "RUN x", .comment = "", .empty_layer = true}};
  return config;
}

TEST(ImageConfig, IsReadAsItWasWritten) {
  auto const read = ImageConfig::parse(config().text());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text(), config().text());
  EXPECT_EQ(read->environment, config().environment);
  EXPECT_EQ(read->exposed_ports, config().exposed_ports);
  EXPECT_EQ(read->diff_ids, config().diff_ids);
  EXPECT_TRUE(read->history.at(0).empty_layer);
}

TEST(ImageConfig, TakesNullForWhatIsAbsentAsDockerWritesIt) {
  auto const read = ImageConfig::parse(
      R"({"architecture":"amd64","os":"linux","config":{"Env":null,"Cmd":null,"Labels":null},)"
      R"("rootfs":{"type":"layers","diff_ids":[")" +
      Digest::of("").text() + "\"]}}");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->command.empty());
}

TEST(ImageConfig, MustNameItsLayers) {
  EXPECT_FALSE(ImageConfig::parse("{}"));
  EXPECT_FALSE(ImageConfig::parse(R"({"rootfs":{"diff_ids":[]}})"));
  EXPECT_FALSE(ImageConfig::parse(R"({"rootfs":{"diff_ids":["../x"]}})"));
}

TEST(ChainId, IsThatOfTheSpecification) {
  auto const one = Digest::of("one");
  auto const two = Digest::of("two");
  EXPECT_EQ(chain_id({one}), one);
  EXPECT_EQ(chain_id({one, two}), Digest::of(one.text() + " " + two.text()));
  EXPECT_NE(chain_id({one, two}), chain_id({two, one}));
}

}  // namespace
}  // namespace bh::image
