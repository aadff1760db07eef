#include "os/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "os/temporary_folder.h"

namespace bh::os {
namespace {

TEST(UnixSocket, ConnectsToWhoListens) {
  auto const folder = std::move(TemporaryFolder::create("socket").value());
  auto const path = folder.path() + "/s";
  EXPECT_EQ(connect_unix(path).error().code, Errc::NotFound);
  auto const listener = listen_unix(path);
  ASSERT_TRUE(listener) << listener.error().message;
  auto const client = connect_unix(path);
  ASSERT_TRUE(client) << client.error().message;
  UniqueFd const server(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(server.valid());
}

TEST(UnixSocket, RefusesAPathThatIsTakenOrTooLong) {
  auto const folder = std::move(TemporaryFolder::create("socket").value());
  auto const path = folder.path() + "/s";
  auto const first = listen_unix(path);
  EXPECT_FALSE(listen_unix(path));
  EXPECT_EQ(listen_unix(std::string(200, 'a')).error().code, Errc::Invalid);
  EXPECT_EQ(listen_unix("").error().code, Errc::Invalid);
}

}  // namespace
}  // namespace bh::os
