#include "init/arguments.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace bh::init {
namespace {

using namespace std::string_view_literals;
using Words = std::vector<std::string>;
using Parser = ParseError (*)(std::string_view, Arguments&);

Words words_of(Arguments const& arguments) {
  Words words;
  for (std::size_t i = 0; i < arguments.size(); ++i) words.emplace_back(arguments[i]);
  return words;
}

struct Outcome {
  ParseError error;
  Words words;
};

Outcome parse(Parser parser, std::string_view text) {
  auto const arguments = std::make_unique<Arguments>();
  auto const error = parser(text, *arguments);
  return {error, words_of(*arguments)};
}

void expect_words(Parser parser, std::string_view text, Words const& expected) {
  auto const outcome = parse(parser, text);
  EXPECT_EQ(outcome.error, ParseError::None) << text;
  EXPECT_EQ(outcome.words, expected) << text;
}

TEST(NulSeparated, SplitsAtEachNulAndKeepsEmptyWords) {
  expect_words(parse_nul_separated, "sh\0-c\0echo a,b%20\0"sv, {"sh", "-c", "echo a,b%20"});
  expect_words(parse_nul_separated, "echo\0\0x\0"sv, {"echo", "", "x"});
  expect_words(parse_nul_separated, "echo\0\0"sv, {"echo", ""});
}

TEST(NulSeparated, NeedsNoNulAfterTheLastWord) {
  expect_words(parse_nul_separated, "sh\0-l"sv, {"sh", "-l"});
}

TEST(NulSeparated, RefusesACommandWithoutAProgram) {
  for (auto const text : {""sv, "\0"sv, "\0x\0"sv}) {
    EXPECT_EQ(parse(parse_nul_separated, text).error, ParseError::Empty);
  }
}

TEST(PercentEncoded, DecodesBytesOfEitherCase) {
  expect_words(parse_percent_encoded, "sh,-c,echo%20%22a%2cb%2C%25%22",
               {"sh", "-c", "echo \"a,b,%\""});
  expect_words(parse_percent_encoded, "%2Fbin%2fsh", {"/bin/sh"});
  expect_words(parse_percent_encoded, "printf,%C3%A9%0a", {"printf", "\xc3\xa9\n"});
}

TEST(PercentEncoded, KeepsEmptyWords) {
  expect_words(parse_percent_encoded, "echo,,x,", {"echo", "", "x", ""});
}

TEST(PercentEncoded, RefusesACommandWithoutAProgram) {
  for (auto const text : {""sv, ","sv, ",x"sv}) {
    EXPECT_EQ(parse(parse_percent_encoded, text).error, ParseError::Empty);
  }
}

TEST(PercentEncoded, RefusesAPercentSignWithoutAByte) {
  for (auto const text : {"a%"sv, "a%4"sv, "a%,41"sv, "a%4g"sv, "a%-1"sv}) {
    EXPECT_EQ(parse(parse_percent_encoded, text).error, ParseError::BadEscape) << text;
  }
}

TEST(PercentEncoded, RefusesNulHoweverItIsWritten) {
  for (auto const text : {"a%00"sv, "a\0b"sv, "\0a"sv}) {
    EXPECT_EQ(parse(parse_percent_encoded, text).error, ParseError::BadEscape);
  }
}

TEST(Arguments, EndsWithANullPointer) {
  Arguments arguments;
  ASSERT_EQ(parse_percent_encoded("a,b", arguments), ParseError::None);
  EXPECT_STREQ(arguments.argv()[1], "b");
  EXPECT_EQ(arguments.argv()[2], nullptr);
}

TEST(Arguments, HoldAsManyBytesAsTheyPromiseAndNoMore) {
  std::string const most(Arguments::kMaxBytes - 1, 'x');
  expect_words(parse_nul_separated, most, {most});
  EXPECT_EQ(parse(parse_nul_separated, most + 'x').error, ParseError::TooLong);
  EXPECT_EQ(parse(parse_percent_encoded, most + ',').error, ParseError::TooLong);
}

TEST(Arguments, HoldAsManyWordsAsTheyPromiseAndNoMore) {
  std::string text = "x";
  for (std::size_t i = 1; i < Arguments::kMaxWords; ++i) text += ",x";
  expect_words(parse_percent_encoded, text, Words(Arguments::kMaxWords, "x"));
  EXPECT_EQ(parse(parse_percent_encoded, text + ",x").error, ParseError::TooLong);
}

TEST(FindParameter, TakesTheLastOfSeveral) {
  EXPECT_EQ(find_parameter("quiet bulkhead.run=a x=1 bulkhead.run=b\n", "bulkhead.run"), "b");
}

TEST(FindParameter, DoesNotMistakeOtherParametersForTheOneAskedFor) {
  for (auto const line : {"", "bulkhead.run", "bulkhead.running=a", "xbulkhead.run=a",
                          "note=\"see bulkhead.run=a \" quiet"}) {
    EXPECT_EQ(find_parameter(line, "bulkhead.run"), std::nullopt) << line;
  }
}

TEST(FindParameter, FindsAnEmptyValue) {
  EXPECT_EQ(find_parameter("bulkhead.run= quiet", "bulkhead.run"), "");
}

}  // namespace
}  // namespace bh::init
