#include "init/accounts.h"

#include <gtest/gtest.h>

namespace bh::init {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken line\n"
    "web:x:33:34::/var/www:/usr/sbin/nologin\n"
    "1000:x:7:8::/odd:/bin/sh\n"
    "nohome:x:40:41:::";
constexpr std::string_view kGroups =
    "root:x:0:\n"
    "web:x:34:\n"
    "adm:x:4:root,web\n"
    "audio:x:29:webber,web\n"
    "bad:x:no:web\n"
    "1000:x:9:";

TEST(FindAccount, TakesNamesAndNumbers) {
  Account account;
  ASSERT_TRUE(find_account("web", kPasswd, kGroups, account));
  EXPECT_EQ(account.uid, 33u);
  EXPECT_EQ(account.gid, 34u);
  EXPECT_EQ(account.home, "/var/www");
  ASSERT_TRUE(find_account("33", kPasswd, kGroups, account));
  EXPECT_EQ(account.name, "web");
  EXPECT_EQ(account.gid, 34u);
}

TEST(FindAccount, AUserNobodyKnowsHasGroupZeroAndTheRootFolder) {
  Account account;
  ASSERT_TRUE(find_account("12345", kPasswd, kGroups, account));
  EXPECT_EQ(account.uid, 12345u);
  EXPECT_EQ(account.gid, 0u);
  EXPECT_EQ(account.home, "/");
  EXPECT_TRUE(account.name.empty());
}

TEST(FindAccount, AGroupThatIsGivenWins) {
  Account account;
  ASSERT_TRUE(find_account("web:adm", kPasswd, kGroups, account));
  EXPECT_EQ(account.gid, 4u);
  ASSERT_TRUE(find_account("web:77", kPasswd, kGroups, account));
  EXPECT_EQ(account.gid, 77u);
}

TEST(FindAccount, ANameThatLooksLikeANumberIsAName) {
  Account account;
  ASSERT_TRUE(find_account("1000:1000", kPasswd, kGroups, account));
  EXPECT_EQ(account.uid, 7u);
  EXPECT_EQ(account.gid, 9u);
}

TEST(FindAccount, KnowsNobodyElse) {
  Account account;
  for (auto const text :
       {"", "nobody", "web:nogroup", "4294967295", "99999999999", "-1", "web:bad"}) {
    EXPECT_FALSE(find_account(text, kPasswd, kGroups, account)) << text;
  }
}

TEST(AddGroups, TakesThoseThatNameTheUser) {
  Account account;
  ASSERT_TRUE(find_account("web", kPasswd, kGroups, account));
  add_groups(kGroups, account);
  ASSERT_EQ(account.group_count, 3u);
  EXPECT_EQ(account.groups[0], 34u);
  EXPECT_EQ(account.groups[1], 4u);
  EXPECT_EQ(account.groups[2], 29u);
}

}  // namespace
}  // namespace bh::init
