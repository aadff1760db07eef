#include "container/launch/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace bh::container {
namespace {

TEST(Channel, CarriesAnErrorWithItsKind) {
  auto ends = Channel::create().value();
  ends.first.send_error({Errc::Denied, "no"});
  auto const answer = ends.second.receive();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::Denied);
  EXPECT_EQ(answer.error().message, "no");
}

TEST(Channel, AnErrorIsHeardThoughTheOtherEndWentWithoutReading) {
  auto ends = Channel::create().value();
  ASSERT_TRUE(ends.second.send_ready());
  ends.first.send_error({Errc::Io, "the cause"});
  ends.first.close();
  auto const answer = ends.second.receive();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "the cause");
}

TEST(Channel, TheEndIsNoError) {
  auto ends = Channel::create().value();
  ends.first.close();
  EXPECT_EQ(ends.second.receive().value(), Channel::Answer::Closed);
}

TEST(Channel, CarriesDescriptors) {
  auto ends = Channel::create().value();
  std::vector<os::UniqueFd> files;
  files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  files.emplace_back(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(ends.first.send_ready(files));
  auto const received = ends.second.wait_ready_with_descriptors();
  ASSERT_TRUE(received);
  ASSERT_EQ(received->size(), 2U);
  char byte = 1;
  EXPECT_EQ(::read((*received)[1].get(), &byte, 1), 1);
  EXPECT_EQ(byte, 0);
}

}  // namespace
}  // namespace bh::container
