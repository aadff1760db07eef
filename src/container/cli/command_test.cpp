#include "container/cli/command.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace bh::container {
namespace {

TEST(OciCommands, HaveExamplesOfWhatTheyKnow) {
  for (auto const* const command : commands()) {
    std::istringstream line{std::string(command->example)};
    std::vector<std::string> words;
    for (std::string word; line >> word;) words.push_back(word);
    ASSERT_GE(words.size(), 2U) << command->name;
    EXPECT_EQ(words[0], "bulkhead-oci");
    EXPECT_EQ(words[1], command->name);
    std::vector<char*> rest;
    for (auto& word : words) rest.push_back(word.data());
    auto const arguments =
        Arguments::parse(std::span(rest).subspan(2), command->options, command->rest);
    ASSERT_TRUE(arguments) << command->example << ": " << arguments.error().message;
    EXPECT_LE(arguments->words().size(), command->most_words) << command->example;
  }
}

}  // namespace
}  // namespace bh::container
