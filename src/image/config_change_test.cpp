#include "image/config_change.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

using Words = std::vector<std::string>;

TEST(ConfigChange, DoesWhatADockerfilesLineDoes) {
  ImageConfig config;
  for (auto const* line :
       {"ENTRYPOINT [\"/bin/a\", \"b c\"]", "CMD echo hi", "ENV A=1 B=\"two words\" C=x\\ y",
        "env A=2", "EXPOSE 80 53/udp", "WORKDIR /srv", "WORKDIR app", "USER 1:2", "LABEL a.b=\"c\"",
        "VOLUME /data /more", "STOPSIGNAL SIGINT",
        "HEALTHCHECK --interval=1m30s --start-period=0s --retries=5 CMD test -e /up || exit 1"}) {
    auto const applied = apply_change(config, line);
    ASSERT_TRUE(applied) << applied.error().message;
  }
  ASSERT_TRUE(config.healthcheck);
  EXPECT_EQ(config.healthcheck->test, (Words{"CMD-SHELL", "test -e /up || exit 1"}));
  EXPECT_EQ(config.healthcheck->interval, 90'000'000'000u);
  EXPECT_EQ(config.healthcheck->start_period, 0u);
  EXPECT_EQ(config.healthcheck->retries, 5u);
  EXPECT_EQ(config.entrypoint, (Words{"/bin/a", "b c"}));
  EXPECT_EQ(config.command, (Words{"/bin/sh", "-c", "echo hi"}));
  EXPECT_EQ(config.environment, (Words{"B=two words", "C=x y", "A=2"}));
  EXPECT_EQ(config.exposed_ports, (Words{"80/tcp", "53/udp"}));
  EXPECT_EQ(config.working_folder, "/srv/app");
  EXPECT_EQ(config.user, "1:2");
  EXPECT_EQ(config.labels.at("a.b"), "c");
  EXPECT_EQ(config.volumes, (Words{"/data", "/more"}));
  EXPECT_EQ(config.stop_signal, "SIGINT");
}

TEST(ConfigChange, TakesTheFormsOfAHealthcheck) {
  ImageConfig config;
  ASSERT_TRUE(apply_change(config, "HEALTHCHECK CMD [\"test\", \"-e\", \"/up\"]"));
  EXPECT_EQ(config.healthcheck->test, (Words{"CMD", "test", "-e", "/up"}));
  ASSERT_TRUE(apply_change(config, "healthcheck none"));
  EXPECT_EQ(config.healthcheck->test, (Words{"NONE"}));
}

TEST(ConfigChange, RefusesOtherLines) {
  ImageConfig config;
  for (auto const* line :
       {"", "RUN x", "ENV", "ENV A", "ENV =b", "ENV A=\"x", "CMD [\"a\"", "CMD [1]", "LABEL",
        "HEALTHCHECK CMD", "HEALTHCHECK --interval=5 CMD x", "HEALTHCHECK --retries=x CMD x",
        "HEALTHCHECK --what=1 CMD x", "HEALTHCHECK NONE x", "HEALTHCHECK true"}) {
    EXPECT_FALSE(apply_change(config, line)) << line;
  }
}

}  // namespace
}  // namespace bh::image
