#include "container/json/writer.h"

#include <gtest/gtest.h>

#include <vector>

namespace bh::container {
namespace {

TEST(JsonWriter, PutsCommasBetweenValues) {
  JsonWriter json;
  json.open('{').name("a").number(-1).name("b").open('[').boolean(true).text("x").close(']');
  json.name("c")
      .open('{')
      .close('}')
      .name("d")
      .texts(std::vector<std::string>{"y", "z"})
      .close('}');
  EXPECT_EQ(json.str(), R"({"a":-1,"b":[true,"x"],"c":{},"d":["y","z"]})");
}

TEST(JsonWriter, EscapesWhatJsonDoesNotAllow) {
  EXPECT_EQ(json_quoted("a\"b\\c\nd\x01"), R"("a\"b\\c\nd\u0001")");
}

TEST(JsonWriter, IndentsForPeople) {
  EXPECT_EQ(indented(R"({"a":[1,"x,{}\"]"],"b":{},"c":[]})"),
            "{\n  \"a\": [\n    1,\n    \"x,{}\\\"]\"\n  ],\n  \"b\": {},\n  \"c\": []\n}");
}

}  // namespace
}  // namespace bh::container
