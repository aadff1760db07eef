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
        "VOLUME /data /more", "STOPSIGNAL SIGINT"}) {
    auto const applied = apply_change(config, line);
    ASSERT_TRUE(applied) << applied.error().message;
  }
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

TEST(ConfigChange, RefusesOtherLines) {
  ImageConfig config;
  for (auto const* line :
       {"", "RUN x", "ENV", "ENV A", "ENV =b", "ENV A=\"x", "CMD [\"a\"", "CMD [1]", "LABEL"}) {
    EXPECT_FALSE(apply_change(config, line)) << line;
  }
}

}  // namespace
}  // namespace bh::image
