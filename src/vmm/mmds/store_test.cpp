#include "vmm/mmds/store.h"

#include <gtest/gtest.h>

namespace bh::vmm::mmds {
namespace {

TEST(Store, KeepsAnObjectAndMergesIntoIt) {
  Store store(1000);
  EXPECT_EQ(store.json(), "{}");
  EXPECT_EQ(store.patch("{}").error().code, Errc::NotFound);
  ASSERT_TRUE(store.put(R"({"a":{"b":1,"c":2},"d":[1]})"));
  ASSERT_TRUE(store.patch(R"({"a":{"b":null,"e":3},"d":"x"})"));
  EXPECT_EQ(store.json(), R"({"a":{"c":2,"e":3},"d":"x"})");
}

TEST(Store, RefusesWhatIsNoObjectOrTooLarge) {
  Store store(20);
  EXPECT_EQ(store.put("[1]").error().message, "The MMDS data is not an object.");
  EXPECT_EQ(store.put("{").error().code, Errc::Invalid);
  EXPECT_EQ(store.put(R"({"a":"0123456789012345"})").error().code, Errc::Denied);
  ASSERT_TRUE(store.put(R"({"a":"01234"})"));
  EXPECT_EQ(store.patch(R"({"b":"0123456"})").error().code, Errc::Denied);
  EXPECT_EQ(store.json(), R"({"a":"01234"})");
}

TEST(Store, FindsValuesByPath) {
  Store store(1000);
  ASSERT_TRUE(store.put(R"({"latest":{"meta":{"id":"i-1","n":5},"user":"u"},"list":["x","y"]})"));
  auto const text = [&](std::string_view path) {
    return store.lookup(path, Store::Format::Imds).value_or("none");
  };
  EXPECT_EQ(text("/latest/meta/id"), "i-1");
  EXPECT_EQ(text("/latest/"), "meta/\nuser");
  EXPECT_EQ(text("/"), "latest/\nlist");
  EXPECT_EQ(text("/list/1"), "y");
  EXPECT_EQ(text("/list/2"), "none");
  EXPECT_EQ(text("/latest/none"), "none");
  EXPECT_EQ(store.lookup("/latest/meta/n", Store::Format::Imds).error().code, Errc::Unsupported);
  EXPECT_EQ(store.lookup("/latest/meta", Store::Format::Json).value(), R"({"id":"i-1","n":5})");
}

}  // namespace
}  // namespace bh::vmm::mmds
