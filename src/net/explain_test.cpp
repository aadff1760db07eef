#include "net/explain.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "net/names.h"
#include "net/testing/states.h"

namespace bh::net {
namespace {

constexpr Ipv4Address kHostAddress{0xc000'0201};  // 192.0.2.1

struct Case {
  char const* from;
  char const* to;
  Verdict verdict;
  char const* rule;
};

constexpr Case kCases[] = {
    {"app", "web:80", Verdict::Allow, "same network"},
    {"app", "10.88.1.2:80", Verdict::Allow, "same network"},
    {"db", "web:80", Verdict::Allow, "same network"},
    {"app", "db:80", Verdict::Deny, "between networks"},
    {"web", "db:80", Verdict::Allow, "same network"},
    {"app", "10.1.2.3:80", Verdict::Deny, "egress 1 of front"},
    {"app", "198.51.100.1:443", Verdict::Allow, "egress 2 of front"},
    {"app", "198.51.100.1:443/udp", Verdict::Allow, "egress of front"},
    {"db", "198.51.100.1:443", Verdict::Deny, "egress of back"},
    {"app", "host:53/udp", Verdict::Allow, "names of front (udp)"},
    {"app", "host:54/udp", Verdict::Deny, "host is closed"},
    {"db", "host:53/udp", Verdict::Deny, "host is closed"},
    {"app", "192.0.2.1:8081", Verdict::Deny, "host is closed"},
    {"app", "127.0.0.1:80", Verdict::Allow, "none"},
    {"host", "web:80", Verdict::Allow, "from the host"},
    {"host", "host:8080", Verdict::Allow, "published 127.0.0.1:8080:80/tcp of web"},
    {"host", "127.0.0.1:8080", Verdict::Allow, "published 127.0.0.1:8080:80/tcp of web"},
    {"host", "192.0.2.1:8080", Verdict::Allow, "none"},
    {"host", "192.0.2.1:8081", Verdict::Allow, "published 192.0.2.1:8081:81/tcp of web"},
    {"outside", "host:8080", Verdict::Allow, "none"},
    {"outside", "host:53/udp", Verdict::Allow, "in by 0.0.0.0:53:5353/udp of web"},
    {"outside", "192.0.2.1:8081", Verdict::Allow, "in by 192.0.2.1:8081:81/tcp of web"},
    {"198.51.100.7", "web:80", Verdict::Deny, "no way in"},
    {"10.88.1.3", "db:80", Verdict::Deny, "between networks"},
};

TEST(Explain, NamesTheRuleThatDecides) {
  auto const state = testing::two_networks();
  for (auto const& one : kCases) {
    auto const question = Question::parse(one.from, one.to).value();
    auto const answer =
        explain(state, {.addresses = {kHostAddress}, .look_up = {}, .name_sets = {}}, question);
    ASSERT_TRUE(answer) << one.from << " " << one.to;
    EXPECT_EQ(answer->verdict, one.verdict) << one.from << " " << one.to;
    EXPECT_EQ(answer->rule, one.rule) << one.from << " " << one.to;
  }
}

TEST(Explain, SaysWhatItTookTheQuestionFor) {
  auto const answer = explain(testing::two_networks(), {}, Question::parse("app", "db:80").value());
  EXPECT_EQ(answer.value().what, "app (10.88.1.3) to db (10.88.2.3), tcp 80");
  EXPECT_EQ(answer.value().why, "networks are closed to each other");
}

TEST(Explain, AsksForNamesAsTheMachineWould) {
  auto const state = testing::named_network();
  auto const set = name_set("named", DomainPattern::parse("example.com").value());
  std::vector<Ipv4Address> addresses;
  HostView const host{
      .addresses = {kHostAddress},
      .look_up =
          [&](std::optional<Ipv4Address> server, std::string const& name) {
            EXPECT_EQ(server, (Ipv4Address{0x0a58'0301}));
            EXPECT_EQ(name, "example.com");
            return addresses;
          },
      .name_sets = [&] { return NameSets{{set, {addresses.begin(), addresses.end()}}}; }};
  auto const ask = [&](char const* to) {
    auto const answer = explain(state, host, Question::parse("app", to).value());
    return answer ? answer->rule : answer.error().message;
  };
  struct {
    std::vector<Ipv4Address> addresses;
    char const* to;
    char const* rule;
  } const cases[] = {
      {{{0xcb00'7105}}, "example.com:443", "egress 2 of named"},
      {{{0xcb00'7105}}, "EXAMPLE.com.:443", "egress 2 of named"},
      {{{0xcb00'7105}}, "203.0.113.5:443", "egress 2 of named"},
      {{{0xcb00'7105}}, "203.0.113.6:443", "egress of named"},
      {{{0xcb00'7105}}, "example.com:80", "egress of named"},
      {{{0xcb00'7105}}, "www.example.com:443", "names of named"},
      {{}, "example.com:443", "names of named"},
      {{{0xc633'6401}}, "example.com:443", "egress 1 of named"},
      {{{0xcb00'7105}, {0x0a01'0101}}, "example.com:443", "egress of named"},
      {{{0xa9fe'a9fe}}, "example.com:443", "egress of named"},
      {{{0x7f00'0001}}, "example.com:443", "none"},
      {{kHostAddress}, "example.com:443", "host is closed"},
  };
  for (auto const& one : cases) {
    addresses = one.addresses;
    EXPECT_EQ(ask(one.to), one.rule) << one.to;
  }
}

TEST(Explain, KnowsNoNamesThatAreNone) {
  auto const state = testing::two_networks();
  EXPECT_EQ(explain(state, {}, {"nobody", "web", Protocol::Tcp, 80}).error().code, Errc::NotFound);
  EXPECT_EQ(explain(state, {}, {"web", "nobody", Protocol::Tcp, 80}).error().code, Errc::NotFound);
  for (auto const* bad : {"web", "web:", "web:0", ":80", "web:80/icmp"}) {
    EXPECT_FALSE(Question::parse("app", bad)) << bad;
  }
}

}  // namespace
}  // namespace bh::net
