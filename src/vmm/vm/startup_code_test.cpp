#include "vmm/vm/startup_code.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "os/unique_fd.h"

namespace bh::vmm {
namespace {

/// A page of a private mapping, written to: what is dropped reads as the file again.
class StartupCodeTest : public ::testing::Test {
 protected:
  StartupCodeTest() {
    EXPECT_EQ(::ftruncate(file_.get(), 4096), 0);
    page_ = static_cast<char*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file_.get(), 0));
    *page_ = 'x';
  }
  ~StartupCodeTest() override { ::munmap(page_, 4096); }

  std::string line(std::string_view rest) const {
    auto const start = reinterpret_cast<std::uintptr_t>(page_);
    return fmt::format("{:x}-{:x}{}", start, start + 4096, rest);
  }

  os::UniqueFd file_{::memfd_create("code", MFD_CLOEXEC)};
  char* page_ = nullptr;
};

TEST_F(StartupCodeTest, ReleasesCodeOfFiles) {
  release_code(line(" r-xp 00001000 08:01 12   /usr/bin/program"));
  EXPECT_EQ(*page_, '\0');
}

TEST_F(StartupCodeTest, LeavesEverythingElse) {
  for (std::string const rest :
       {" rw-p 00001000 08:01 12   /usr/bin/program", " r--p 00001000 08:01 12   /usr/bin/program",
        " r-xs 00001000 08:01 12   /usr/bin/program", " r-xp 00000000 00:00 0    [vdso]",
        " r-xp 00000000 00:00 0 ", ""}) {
    release_code(line(rest));
    EXPECT_EQ(*page_, 'x') << rest;
  }
  release_code("");
  release_code("no mapping");
  EXPECT_EQ(*page_, 'x');
}

TEST_F(StartupCodeTest, GoesOnAfterIt) {
  release_startup_code();
  EXPECT_EQ(*page_, 'x');
}

}  // namespace
}  // namespace bh::vmm
