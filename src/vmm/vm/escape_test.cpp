#include "vmm/vm/escape.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bh::vmm {
namespace {

std::string type(EscapeFilter& filter, std::string_view keys) {
  auto const filtered = filter.filter(std::as_bytes(std::span(keys)));
  std::string text;
  for (auto const byte : filtered.for_guest) text += std::to_integer<char>(byte);
  return filtered.quit ? text + "<quit>" : text;
}

TEST(EscapeFilter, PassesOrdinaryKeysOn) {
  EscapeFilter filter;
  EXPECT_EQ(type(filter, "ls\r\x03x"), "ls\r\x03x");
}

TEST(EscapeFilter, QuitsAtControlAAndX) {
  EscapeFilter filter;
  EXPECT_EQ(type(filter, "a\x01xb"), "a<quit>");
}

TEST(EscapeFilter, RemembersTheEscapeBetweenReads) {
  EscapeFilter filter;
  EXPECT_EQ(type(filter, "\x01"), "");
  EXPECT_EQ(type(filter, "x"), "<quit>");
}

TEST(EscapeFilter, SendsControlAWhenItIsTypedTwice) {
  EscapeFilter filter;
  EXPECT_EQ(type(filter, "\x01\x01x"), "\x01x");
}

TEST(EscapeFilter, SendsBothKeysOfAnyOtherPair) {
  EscapeFilter filter;
  EXPECT_EQ(type(filter, "\x01k"), "\x01k");
}

}  // namespace
}  // namespace bh::vmm
