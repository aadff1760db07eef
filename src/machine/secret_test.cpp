#include "machine/secret.h"

#include <gtest/gtest.h>

namespace bh::machine {
namespace {

TEST(SecretOption, IsAFileBelowRunSecretsUnlessSaid) {
  EXPECT_EQ(*parse_secret_option("token"),
            (SecretUse{.name = "token", .target = "/run/secrets/token"}));
  EXPECT_EQ(parse_secret_option("token,target=a/b")->target, "/run/secrets/a/b");
  EXPECT_EQ(*parse_secret_option("token,type=mount,target=/etc/x,uid=1,gid=2,mode=640"),
            (SecretUse{.name = "token", .target = "/etc/x", .uid = 1, .gid = 2, .mode = 0640}));
  EXPECT_EQ(*parse_secret_option("token,type=env"),
            (SecretUse{.name = "token", .kind = SecretKind::Variable, .target = "token"}));
}

TEST(SecretOption, RefusesWhatIsNone) {
  for (auto const* const text :
       {"", ",", "token,", "token,mode", "token,mode=", "token,mode=8", "token,mode=10000",
        "token,uid=4294967295", "token,type=x", "token,x=1", "token,target=/",
        "token,target=/sys/x", "../x", "token,type=env,target=1A", "token,type=env,target=A=B",
        "a-b,type=env", "token,type=env,gid=1"}) {
    EXPECT_EQ(parse_secret_option(text).error().code, Errc::Invalid) << text;
  }
}

TEST(SecretOption, IsTheSameFromJson) {
  for (auto const* const text : {"token,uid=7,mode=400", "token,type=env,target=TOKEN"}) {
    auto const use = *parse_secret_option(text);
    EXPECT_EQ(*parse_secret(json_of(use)), use);
  }
}

TEST(Secrets, AreNotAtOnePlace) {
  auto const file = *parse_secret_option("a,target=/x");
  auto const variable = *parse_secret_option("a,type=env,target=x");
  EXPECT_TRUE(check_secrets({file, variable}, {{.target = "/y"}}));
  EXPECT_FALSE(check_secrets({file, file}, {}));
  EXPECT_FALSE(check_secrets({variable, variable}, {}));
  EXPECT_FALSE(check_secrets({file}, {{.target = "/x"}}));
  EXPECT_FALSE(check_secrets({file}, {{.target = "/run/secrets"}}));
}

TEST(Secrets, AreVariablesOnlyIfTheyCanBe) {
  auto const variable = *parse_secret_option("a,type=env");
  EXPECT_TRUE(check_value(variable, "line\nline"));
  EXPECT_FALSE(check_value(variable, std::string(1, '\0')));
  EXPECT_FALSE(check_value(variable, std::string(kLargestVariable + 1, 'x')));
  EXPECT_TRUE(check_value(*parse_secret_option("a"), std::string(1, '\0')));
}

}  // namespace
}  // namespace bh::machine
