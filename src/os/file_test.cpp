#include "os/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <string_view>

namespace bh::os {
namespace {

/// A file in memory with these contents.
UniqueFd file_of(std::string_view contents) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(file.get(), contents.data(), contents.size(), 0),
            static_cast<ssize_t>(contents.size()));
  return file;
}

TEST(OpenFile, OpensCloseOnExec) {
  auto const file = open_file("/dev/null", O_RDONLY);
  ASSERT_TRUE(file);
  EXPECT_EQ(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(OpenFile, NamesThePathThatDoesNotOpen) {
  auto const file = open_file("/nowhere/at/all", O_RDONLY);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::NotFound);
  EXPECT_EQ(file.error().message, "open /nowhere/at/all: No such file or directory");
}

TEST(ReadExactAt, FillsTheWholeBufferFromTheOffset) {
  auto const file = file_of("0123456789");
  std::array<char, 4> out{};
  ASSERT_TRUE(read_exact_at(file, std::as_writable_bytes(std::span(out)), 3));
  EXPECT_EQ(std::string_view(out.data(), out.size()), "3456");
}

TEST(ReadExactAt, CallsAShortFileCorrupt) {
  auto const file = file_of("0123");
  std::array<std::byte, 4> out{};
  for (std::uint64_t const offset : {1u, 4u, 1000u}) {
    auto const read = read_exact_at(file, out, offset);
    ASSERT_FALSE(read) << offset;
    EXPECT_EQ(read.error().code, Errc::Corrupt);
  }
}

TEST(ReadExactAt, ReadsNothingIntoAnEmptyBuffer) {
  EXPECT_TRUE(read_exact_at(file_of(""), {}, 0));
}

}  // namespace
}  // namespace bh::os
