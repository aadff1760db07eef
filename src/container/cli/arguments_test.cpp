#include "container/cli/arguments.h"

#include <gtest/gtest.h>

namespace bh::container {
namespace {

constexpr Option kOptions[] = {{"bundle", 'b'}, {"env", 'e'}, {"force", 'f', false}};

Result<Arguments> parse(std::vector<std::string> words, Arguments::Rest rest) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  return Arguments::parse(pointers, kOptions, rest);
}

TEST(OciArguments, TakesValuesInEveryForm) {
  auto const out =
      parse({"--bundle=/x", "-e", "A=b", "--env", "C=d", "box", "-f"}, Arguments::Rest::Options);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->value("bundle"), "/x");
  EXPECT_EQ(out->values("env"), (std::vector<std::string>{"A=b", "C=d"}));
  EXPECT_TRUE(out->has("force"));
  EXPECT_EQ(out->words(), std::vector<std::string>{"box"});
}

TEST(OciArguments, WordsOfACommandAreNotOptions) {
  auto const out = parse({"-f", "box", "ls", "-f", "--bundle"}, Arguments::Rest::Words);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->words(), (std::vector<std::string>{"box", "ls", "-f", "--bundle"}));
}

TEST(OciArguments, SaysWhatIsWrong) {
  EXPECT_EQ(parse({"--colour"}, Arguments::Rest::Options).error().message,
            "unknown option --colour; see --help");
  EXPECT_EQ(parse({"-b"}, Arguments::Rest::Options).error().message, "--bundle needs a value");
  EXPECT_FALSE(parse({"-b", "1x"}, Arguments::Rest::Options)->number("bundle"));
}

}  // namespace
}  // namespace bh::container
