#include "net/domain_pattern.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

TEST(DomainPattern, IsANameOrAllBelowOne) {
  for (auto const* const text : {"example.com", "*.debian.org", "*.org", "_dmarc.a-b.example",
                                 "1.example", "xn--bcher-kva.example"}) {
    auto const pattern = DomainPattern::parse(text);
    ASSERT_TRUE(pattern) << pattern.error().message;
    EXPECT_EQ(pattern->text(), text);
  }
  EXPECT_EQ(DomainPattern::parse("Example.COM.")->text(), "example.com");
}

TEST(DomainPattern, RefusesWhatIsNone) {
  auto const label = std::string(64, 'a');
  std::string longest;
  while (longest.size() < 254) longest += "a.";
  for (auto const& text : {std::string(),
                           std::string("."),
                           std::string("*"),
                           std::string("*."),
                           std::string("example"),
                           std::string("a..b"),
                           std::string(".example.com"),
                           std::string("example.com.."),
                           std::string("*.*.example"),
                           std::string("a.*.example"),
                           std::string("-a.example"),
                           std::string("a-.example"),
                           std::string("10.0.0.1"),
                           std::string("a.1"),
                           std::string("b\xc3\xbc"
                                       "cher.example"),
                           std::string("a b.example"),
                           std::string("a/b.example"),
                           std::string("a\n.example"),
                           label + ".example",
                           longest + "example"}) {
    auto const pattern = DomainPattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code, Errc::Invalid) << text;
  }
}

TEST(DomainPattern, ContainsWhatItSays) {
  auto const one = DomainPattern::parse("example.com").value();
  EXPECT_TRUE(one.contains("example.com"));
  EXPECT_FALSE(one.contains("www.example.com"));
  EXPECT_FALSE(one.contains("notexample.com"));
  auto const below = DomainPattern::parse("*.example.com").value();
  EXPECT_TRUE(below.contains("www.example.com"));
  EXPECT_TRUE(below.contains("a.b.example.com"));
  EXPECT_FALSE(below.contains("example.com"));
  EXPECT_FALSE(below.contains("notexample.com"));
}

}  // namespace
}  // namespace bh::net
