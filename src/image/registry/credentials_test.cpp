#include "image/registry/credentials.h"

#include <gtest/gtest.h>

namespace bh::image::registry {
namespace {

// "user:secret" and "other:pass:word".
constexpr char kFile[] = R"({"auths": {
  "index.docker.io/v1/": {"auth": "dXNlcjpzZWNyZXQ="},
  "https://url.example.com/v2/": {"auth": "dXNlcjpzZWNyZXQ="},
  "example.com": {"auth": "dXNlcjpzZWNyZXQ="},
  "example.com/team": {"auth": "b3RoZXI6cGFzczp3b3Jk"},
  "empty.example.com": {}}})";

std::string user_of(std::string const& registry, std::string const& repository) {
  auto const found = find_credentials(kFile, registry, repository).value();
  return found ? found->user + " " + found->password : "none";
}

TEST(Credentials, AreThoseOfTheLongestEntryThatFits) {
  EXPECT_EQ(user_of("example.com", "a"), "user secret");
  EXPECT_EQ(user_of("example.com", "team/a"), "other pass:word");
  EXPECT_EQ(user_of("example.com", "teamwork/a"), "user secret");
  EXPECT_EQ(user_of("example.com:5000", "a"), "none");
  EXPECT_EQ(user_of("empty.example.com", "a"), "none");
  EXPECT_EQ(user_of("url.example.com", "a"), "user secret");
  EXPECT_EQ(user_of("docker.io", "library/debian"), "user secret");
}

TEST(Credentials, AreSentAsRfc7617Says) {
  EXPECT_EQ((Credentials{.user = "Aladdin", .password = "open sesame"}.authorization()),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST(Credentials, ThatAreWrongAreNotGuessed) {
  EXPECT_FALSE(Credentials::parse("nobody"));
  EXPECT_FALSE(find_credentials("{", "a", "b"));
  EXPECT_FALSE(find_credentials(R"({"auths":{"a":{"auth":"?"}}})", "a", "b"));
}

}  // namespace
}  // namespace bh::image::registry
