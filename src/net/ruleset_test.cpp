#include "net/ruleset.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "net/testing/states.h"

namespace bh::net {
namespace {

/// A command of the transaction a line.
std::string lines_of(boost::json::object const& ruleset) {
  std::string lines;
  for (auto const& command : ruleset.at("nftables").as_array()) {
    lines += boost::json::serialize(command) + "\n";
  }
  return lines;
}

void expect_golden(char const* name, State const& state) {
  auto const path = std::filesystem::path(BULKHEAD_NET_GOLDENS) / name;
  auto const lines = lines_of(ruleset_of(state));
  if (std::getenv("BULKHEAD_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << lines;
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream file(path);
  std::string const wanted{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(lines, wanted)
      << "if it is meant, run this with BULKHEAD_UPDATE_GOLDENS=1 and look at the difference";
}

TEST(Ruleset, IsWhatWasReviewed) {
  expect_golden("two_networks.txt", testing::two_networks());
}

TEST(Ruleset, OfNamesIsWhatWasReviewed) {
  expect_golden("named_network.txt", testing::named_network());
}

TEST(Ruleset, NamesNoTableButOurs) {
  for (auto const& ruleset :
       {ruleset_of(testing::two_networks()), ruleset_of({}), empty_ruleset()}) {
    for (auto const& command : ruleset.at("nftables").as_array()) {
      auto const& what = command.as_object().begin()->value().as_object();
      auto const& body = what.begin()->value().as_object();
      auto const table = what.begin()->key() == "table" ? body.at("name") : body.at("table");
      EXPECT_EQ(table, kTable) << command;
    }
  }
}

TEST(Ruleset, IsTheSameForTheSameState) {
  EXPECT_EQ(lines_of(ruleset_of(testing::two_networks())),
            lines_of(ruleset_of(testing::two_networks())));
}

}  // namespace
}  // namespace bh::net
