#include "os/file_write.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "os/file.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::os {
namespace {

std::span<std::byte const> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(FileWrite, WritesWhereTheFileStandsAndElsewhere) {
  auto const folder = TemporaryFolder::create("write-test");
  auto const path = folder->path() + "/file";
  auto const file = open_at(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
  ASSERT_TRUE(write_all(*file, bytes("abc")));
  ASSERT_TRUE(write_at(*file, bytes("x"), 1));
  ASSERT_TRUE(write_all(*file, bytes("d")));
  EXPECT_EQ(read_text_at(AT_FDCWD, path, 100).value(), "axcd");
}

TEST(FileWrite, SaysWhyItCannot) {
  auto const null = open_file("/dev/null", O_RDONLY);
  EXPECT_EQ(write_all(*null, bytes("a")).error().message, "write: Bad file descriptor");
  EXPECT_FALSE(write_at(*null, bytes("a"), 0));
  EXPECT_TRUE(write_all(*null, {}));
}

}  // namespace
}  // namespace bh::os
