#include "net/published_port.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

TEST(PublishedPort, IsOnTheLoopbackUnlessSaid) {
  EXPECT_EQ(PublishedPort::parse("8080:80").value(),
            (PublishedPort{Protocol::Tcp, kLoopback, 8080, 80}));
  EXPECT_EQ(PublishedPort::parse("0.0.0.0:53:5353/udp").value(),
            (PublishedPort{Protocol::Udp, kAnyAddress, 53, 5353}));
  EXPECT_EQ(PublishedPort::parse("8080:80/tcp").value().text(), "127.0.0.1:8080:80/tcp");
}

TEST(PublishedPort, SaysWhatIsWrongWithIt) {
  for (auto const* bad :
       {"", "80", ":80", "80:", "0:80", "80:0", "65536:80", "80:80/sctp", "80:80/", "x:80:80",
        "127.0.0.1:80", "[::1]:80:80", "80:80:80:80", "+80:80", "80 :80"}) {
    auto const port = PublishedPort::parse(bad);
    ASSERT_FALSE(port) << bad;
    EXPECT_TRUE(port.error().message.ends_with("must be [ADDRESS:]HOST_PORT:MACHINE_PORT[/udp]"));
  }
}

TEST(PublishedPort, CollidesWithWhatWantsTheSamePortOfTheHost) {
  auto const port = [](char const* text) { return PublishedPort::parse(text).value(); };
  EXPECT_TRUE(collide(port("80:80"), port("80:81")));
  EXPECT_TRUE(collide(port("80:80"), port("0.0.0.0:80:81")));
  EXPECT_FALSE(collide(port("80:80"), port("80:80/udp")));
  EXPECT_FALSE(collide(port("80:80"), port("10.0.0.1:80:80")));
}

}  // namespace
}  // namespace bh::net
