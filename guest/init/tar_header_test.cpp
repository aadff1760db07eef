#include "init/tar_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bh::init {
namespace {

TEST(TarHeader, IsTheSameAfterABlock) {
  TarEntry entry{.kind = TarEntry::kSymbolicLink,
                 .mode = 04755,
                 .uid = 1000,
                 .gid = 5'000'000,
                 .size = 20'000'000'000,
                 .seconds = 1'700'000'000};
  ASSERT_TRUE(set_text(entry.path, "a/b"));
  ASSERT_TRUE(set_text(entry.link, "../c"));
  std::vector<char> block(kTarBlock);
  format_tar_header(entry, block.data());
  TarEntry read;
  ASSERT_TRUE(parse_tar_header(block.data(), read));
  EXPECT_EQ(read.kind, entry.kind);
  EXPECT_EQ(read.mode, entry.mode);
  EXPECT_EQ(read.uid, entry.uid);
  EXPECT_EQ(read.gid, entry.gid);
  EXPECT_EQ(read.size, entry.size);
  EXPECT_EQ(read.seconds, entry.seconds);
  EXPECT_EQ(text_of(read.path), "a/b");
  EXPECT_EQ(text_of(read.link), "../c");
}

TEST(TarHeader, SaysLongNamesInFront) {
  std::vector<char> extended(kExtendedBytes);
  for (std::size_t const size : {50, 100, 101, 985, 986, 987, 988, 989, 990, 991, 992, 4000}) {
    TarEntry entry;
    std::string const path(size, 'p');
    ASSERT_TRUE(set_text(entry.path, path));
    auto const length = format_extended(entry, extended.data());
    EXPECT_EQ(length == 0, size <= 100);
    TarEntry read;
    if (length == 0) continue;
    ASSERT_TRUE(parse_extended({extended.data(), length}, read)) << size;
    EXPECT_EQ(text_of(read.path), path);
  }
}

TEST(TarHeader, SaysCapabilitiesInFront) {
  std::vector<char> extended(kExtendedBytes);
  TarEntry entry;
  ASSERT_TRUE(set_text(entry.path, "ping"));
  entry.capability_size = 20;
  auto const length = format_extended(entry, extended.data());
  std::string const record(extended.data(), length);
  EXPECT_EQ(record, "57 SCHILY.xattr.security.capability=" + std::string(20, '\0') + "\n");
  EXPECT_EQ(record.size(), 57u);
  TarEntry read;
  EXPECT_TRUE(parse_extended(record, read));
}

TEST(TarHeader, RefusesWhatIsNone) {
  TarEntry entry;
  std::vector<char> block(kTarBlock);
  EXPECT_FALSE(parse_tar_header(block.data(), entry));
  format_tar_header(entry, block.data());
  block[0] = 'x';
  EXPECT_FALSE(parse_tar_header(block.data(), entry));
  for (std::string_view const text :
       {"1", "5 a=b", "6 a=b\n6 a", "99 path=x\n", "8 size=x\n", "4 ab\n", "0 a=\n"}) {
    EXPECT_FALSE(parse_extended(text, entry)) << text;
  }
  EXPECT_FALSE(set_text(entry.path, std::string(PATH_MAX, 'x')));
}

}  // namespace
}  // namespace bh::init
