#include "os/text_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/temporary_folder.h"

namespace bh::os {
namespace {

TEST(TextFile, ReadsWhatWasWritten) {
  auto const folder = TemporaryFolder::create("text-file");
  ASSERT_TRUE(folder);
  auto const fd = open_at(AT_FDCWD, folder->path(), O_PATH | O_DIRECTORY);
  ASSERT_TRUE(fd);
  std::string const text(100'000, 'x');
  ASSERT_TRUE(replace_text_at(fd->get(), "file", text));
  EXPECT_EQ(read_text_at(fd->get(), "file", text.size()).value(), text);
}

TEST(TextFile, RefusesMoreThanTheLimit) {
  auto const folder = TemporaryFolder::create("text-file");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(replace_text_at(AT_FDCWD, folder->path() + "/file", "12345"));
  auto const text = read_text_at(AT_FDCWD, folder->path() + "/file", 4);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::Invalid);
}

TEST(TextFile, NamesFileAndValueThatCouldNotBeWritten) {
  auto const written = write_text_at(AT_FDCWD, "/proc/self/oom_score_adj", "much\nmore");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message,
            "/proc/self/oom_score_adj: write \"much more\": Invalid argument");
}

}  // namespace
}  // namespace bh::os
