#include "vmm/api/json.h"

#include <gtest/gtest.h>

namespace bh::vmm {
namespace {

std::string error_of(std::string_view text) {
  auto const parsed = parse_json(text);
  return parsed ? "no error" : parsed.error().message;
}

TEST(Json, KeepsMembersInOrderWithTheirPositions) {
  auto const parsed = parse_json("{\"b\": 1,\n \"a\": [true, null]}");
  ASSERT_TRUE(parsed) << parsed.error().message;
  auto const& object = std::get<JsonObject>(parsed->content);
  ASSERT_EQ(object.size(), 2u);
  EXPECT_EQ(object[0].name, "b");
  EXPECT_EQ(object[0].name_end.suffix(), " at line 1 column 4");
  EXPECT_EQ(std::get<std::int64_t>(object[0].value.content), 1);
  EXPECT_EQ(object[0].value.end.suffix(), " at line 1 column 7");
  EXPECT_EQ(object[1].name_end.suffix(), " at line 2 column 4");
  auto const& array = std::get<JsonArray>(object[1].value.content);
  EXPECT_EQ(std::get<bool>(array[0].content), true);
  EXPECT_EQ(array[0].end.suffix(), " at line 2 column 11");
  EXPECT_EQ(object[1].value.start.suffix(), " at line 2 column 6");
  EXPECT_EQ(object[1].value.end.suffix(), " at line 2 column 18");
}

TEST(Json, TellsKindsOfNumbersApart) {
  auto const content = [](std::string_view text) { return parse_json(text).value().content; };
  EXPECT_EQ(std::get<std::int64_t>(content("-5")), -5);
  EXPECT_EQ(std::get<std::int64_t>(content(" 12 ")), 12);
  EXPECT_EQ(std::get<std::uint64_t>(content("18446744073709551615")), 18446744073709551615u);
  EXPECT_EQ(std::get<double>(content("1.5")), 1.5);
  EXPECT_EQ(std::get<double>(content("1e400")), std::numeric_limits<double>::infinity());
}

TEST(Json, UnderstandsEscapes) {
  EXPECT_EQ(std::get<std::string>(parse_json(R"("a\n\u00e9\ud83d\ude00")").value().content),
            "a\n\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(Json, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(""), "EOF while parsing a value at line 1 column 0");
  EXPECT_EQ(error_of("{\"a\": 1"), "EOF while parsing an object at line 1 column 7");
  EXPECT_EQ(error_of("[1,\n"), "EOF while parsing a list at line 2 column 0");
  EXPECT_EQ(error_of("{} x"), "trailing characters at line 1 column 4");
  EXPECT_EQ(error_of("1 x"), "trailing characters at line 1 column 3");
  EXPECT_EQ(error_of("{\"a\" 1}"), "syntax error at line 1 column 6");
  EXPECT_EQ(error_of("{\n  a: 1}"), "syntax error at line 2 column 3");
}

TEST(Json, RefusesHugeAndDeepTexts) {
  EXPECT_NE(error_of(std::string(kJsonLimit + 1, ' ')).find("more than 1048576"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(100, '[')).find("column 33"), std::string::npos);
}

TEST(Json, RefusesBrokenUtf8) {
  EXPECT_NE(error_of("\"\xff\""), "no error");
  EXPECT_NE(error_of("\"\xc3\""), "no error");
}

}  // namespace
}  // namespace bh::vmm
