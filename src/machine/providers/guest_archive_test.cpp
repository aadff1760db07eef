#include "machine/providers/guest_archive.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "os/temporary_folder.h"

namespace bh::machine {
namespace {

class GuestArchiveTest : public testing::Test {
 protected:
  GuestArchiveTest() { std::ofstream(init_) << "PROGRAM"; }

  /// Content of a file in a newc archive; "absent" if it is not there. Written from the format's
  /// description (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
  static std::string file(std::string const& archive, std::string const& name) {
    std::size_t at = 0;
    while (archive.substr(at, 6) == "070701") {
      auto const field = [&](std::size_t index) {
        return std::stoul(archive.substr(at + 6 + index * 8, 8), nullptr, 16);
      };
      auto const align = [](std::size_t value) { return (value + 3) / 4 * 4; };
      std::size_t const name_size = field(11);
      std::size_t const data = align(at + 110 + name_size);
      if (archive.substr(at + 110, name_size - 1) == name) return archive.substr(data, field(6));
      at = align(data + field(6));
    }
    return "absent";
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("archive-test").value());
  std::string init_ = folder_.path() + "/init";
};

TEST_F(GuestArchiveTest, HoldsTheInitProgramTheCommandAndTheSettings) {
  std::vector<std::string> const command{"echo", "", "a b"};
  std::vector<std::string> const settings{"root=/dev/vda", "env=A=b"};
  auto const archive = make_guest_archive(init_, command, settings);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ(file(*archive, ".bulkhead/init"), "PROGRAM");
  EXPECT_EQ(file(*archive, ".bulkhead/command"), std::string("echo\0\0a b\0", 10));
  EXPECT_EQ(file(*archive, ".bulkhead/machine"), std::string("root=/dev/vda\0env=A=b\0", 22));
  EXPECT_EQ(file(*archive, "TRAILER!!!"), "");
}

TEST_F(GuestArchiveTest, HoldsNoCommandForAShell) {
  auto const archive = make_guest_archive(init_, {}, {});
  ASSERT_TRUE(archive);
  EXPECT_EQ(file(*archive, ".bulkhead/command"), "absent");
  EXPECT_EQ(file(*archive, ".bulkhead/machine"), "absent");
}

TEST_F(GuestArchiveTest, SaysWhichInitIsMissing) {
  auto const archive = make_guest_archive("/nonexistent/init", {}, {});
  ASSERT_FALSE(archive);
  EXPECT_EQ(archive.error().message, "open /nonexistent/init: No such file or directory");
  EXPECT_FALSE(make_guest_archive(folder_.path(), {}, {}));
}

}  // namespace
}  // namespace bh::machine
