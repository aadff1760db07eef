#include "net/name_sets.h"

#include <gtest/gtest.h>

namespace bh::net {
namespace {

TEST(NameSets, AreThoseOfNamesAlone) {
  auto const sets = parse_name_sets(R"({"nftables": [
    {"metainfo": {"json_schema_version": 1}},
    {"set": {"name": "names_1", "type": "ipv4_addr", "elem": [
      {"elem": {"val": "192.0.2.7", "expires": 18}}, "192.0.2.8"]}},
    {"set": {"name": "names_2", "type": "ipv4_addr"}},
    {"set": {"name": "owners", "elem": [{"concat": ["a", "b"]}]}}]})");
  ASSERT_TRUE(sets) << sets.error().message;
  EXPECT_EQ(*sets, (NameSets{{"names_1", {{0xc000'0207}, {0xc000'0208}}}, {"names_2", {}}}));
}

TEST(NameSets, RefusesWhatIsNoAnswer) {
  for (auto const* const bad :
       {"", "[]", "{}", R"({"nftables": 1})",
        R"({"nftables": [{"set": {"name": "names_1", "elem": [7]}}]})",
        R"({"nftables": [{"set": {"name": "names_1", "elem": ["fe80::1"]}}]})"}) {
    EXPECT_FALSE(parse_name_sets(bad)) << bad;
  }
}

}  // namespace
}  // namespace bh::net
