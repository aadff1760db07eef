#include "image/reference.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

TEST(Reference, IsReadAsDockerReadsIt) {
  std::string const digest = "@" + Digest::of("").text();
  struct {
    std::string written;
    std::string whole;
    std::string familiar;
  } const rows[] = {
      {"debian", "docker.io/library/debian:latest", "debian:latest"},
      {"debian:12", "docker.io/library/debian:12", "debian:12"},
      {"docker.io/library/debian:12", "docker.io/library/debian:12", "debian:12"},
      {"index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
      {"grafana/loki:2.9", "docker.io/grafana/loki:2.9", "grafana/loki:2.9"},
      {"localhost/a", "localhost/a:latest", "localhost/a:latest"},
      {"localhost:5000/a/b:x", "localhost:5000/a/b:x", "localhost:5000/a/b:x"},
      {"[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"},
      {"a.b/c", "a.b/c:latest", "a.b/c:latest"},
      {"debian" + digest, "docker.io/library/debian" + digest, "debian" + digest},
      {"debian:12" + digest, "docker.io/library/debian:12" + digest, "debian:12" + digest},
      {"docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
      {"x/a__b.c-d---e_f", "docker.io/x/a__b.c-d---e_f:latest", "x/a__b.c-d---e_f:latest"},
      {"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"},
  };
  for (auto const& row : rows) {
    auto const reference = Reference::parse(row.written);
    ASSERT_TRUE(reference) << row.written << ": " << reference.error().message;
    EXPECT_EQ(reference->text(), row.whole);
    EXPECT_EQ(reference->familiar(), row.familiar);
  }
}

TEST(Reference, AsksARegistryForTheDigestIfThereIsOne) {
  auto const digest = Digest::of("").text();
  EXPECT_EQ(Reference::parse("debian:12")->tag_or_digest(), "12");
  EXPECT_EQ(Reference::parse("debian:12@" + digest)->tag_or_digest(), digest);
}

TEST(Reference, RefusesWhatIsNoName) {
  for (auto const& text : {std::string(),         std::string(":12"),
                           std::string("Debian"), std::string("a//b"),
                           std::string("/a"),     std::string("a/"),
                           std::string("a:"),     std::string("a:b:c"),
                           std::string("a:.x"),   std::string("a@sha256:12"),
                           std::string("a..b"),   std::string("a___b"),
                           std::string("../etc"), std::string("-a"),
                           std::string("a b"),    std::string("a\nb"),
                           std::string("h.:1/a"), std::string("h:99999999/a"),
                           std::string(300, 'a'), "a:" + std::string(129, 't')}) {
    auto const reference = Reference::parse(text);
    ASSERT_FALSE(reference) << text << " is " << reference->text();
    EXPECT_EQ(reference.error().code, Errc::Invalid);
  }
}

}  // namespace
}  // namespace bh::image
