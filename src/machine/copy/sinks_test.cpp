#include "machine/copy/sinks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "machine/wire/copy_place.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::machine {
namespace {

using image::Entry;
using image::EntryKind;

class Text final : public image::Content {
 public:
  explicit Text(std::string_view text) : text_(text) {}
  Result<Piece> next() override {
    auto const text = std::exchange(text_, {});
    return Piece{.bytes = std::as_bytes(std::span(text)), .offset = 0};
  }

 private:
  std::string_view text_;
};

class Copy : public testing::Test {
 protected:
  PlacedCopy to(CopyRequest request) {
    request.path = root_ + "/" + request.path;
    return PlacedCopy(request, {.owner = std::pair(::geteuid(), ::getegid())},
                      [](std::string const& path, std::uint64_t flags) {
                        return os::open_at(AT_FDCWD, path, static_cast<int>(flags));
                      });
  }

  static Entry entry(EntryKind kind, std::string path, std::uint32_t mode = 0755) {
    return {.kind = kind, .path = std::move(path), .mode = mode, .uid = 7, .gid = 7, .size = 4};
  }

  static Result<> take(PlacedCopy& copy, Entry const& entry) {
    Text content("text");
    return copy.take(entry, content);
  }

  std::string read(std::string const& path) const {
    return os::read_text_at(AT_FDCWD, root_ + "/" + path, 100).value_or("nothing");
  }

  os::TemporaryFolder folder_ = *os::TemporaryFolder::create("copy");
  std::string root_ = folder_.path();
};

TEST(CopyPlace, IsWhereDockerPutsIt) {
  using wire::copy_place;
  using wire::CopyPlace;
  struct Case {
    wire::CopyFacts facts;
    CopyPlace expected;
  };
  for (auto const& [facts, expected] :
       {Case{{}, CopyPlace::AsTarget},
        Case{{.target_is_said_to_be_folder = true}, CopyPlace::NoSuchFolder},
        Case{{.target_is_there = true}, CopyPlace::AsTarget},
        Case{{.target_is_there = true, .target_is_folder = true}, CopyPlace::InTarget},
        Case{{.source_is_folder = true}, CopyPlace::AsTarget},
        Case{{.source_is_folder = true, .target_is_said_to_be_folder = true}, CopyPlace::AsTarget},
        Case{{.source_is_folder = true, .target_is_there = true}, CopyPlace::NotAFolder},
        Case{{.source_is_folder = true, .target_is_there = true, .target_is_folder = true},
             CopyPlace::InTarget},
        Case{{.source_is_folder = true,
              .content_only = true,
              .target_is_there = true,
              .target_is_folder = true},
             CopyPlace::ContentInTarget}}) {
    EXPECT_EQ(copy_place(facts), expected);
  }
}

TEST_F(Copy, GivesASingleFileTheNameItIsToHave) {
  auto copy = to({.path = "new", .name = "old"});
  ASSERT_TRUE(take(copy, entry(EntryKind::File, "whatever", 06755)));
  EXPECT_FALSE(take(copy, entry(EntryKind::File, "more")));
  ASSERT_TRUE(copy.finish());
  EXPECT_EQ(read("new"), "text");
  struct stat info{};
  ASSERT_EQ(::stat((root_ + "/new").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u);
  EXPECT_EQ(info.st_uid, ::geteuid());
}

TEST_F(Copy, PutsAFolderIntoOneThatIsThere) {
  std::filesystem::create_directory(root_ + "/there");
  auto copy = to({.path = "there", .name = "web"});
  ASSERT_TRUE(take(copy, entry(EntryKind::Folder, "")));
  ASSERT_TRUE(take(copy, entry(EntryKind::File, "a")));
  ASSERT_TRUE(copy.finish());
  EXPECT_EQ(read("there/web/a"), "text");
}

TEST_F(Copy, LeavesAFolderAloneThatAFileWouldReplace) {
  std::filesystem::create_directories(root_ + "/there/a/kept");
  auto copy = to({.path = "there", .name = "web", .content = true});
  ASSERT_TRUE(take(copy, entry(EntryKind::Folder, "")));
  EXPECT_EQ(take(copy, entry(EntryKind::File, "a")).error().code, Errc::Exists);
  EXPECT_TRUE(std::filesystem::exists(root_ + "/there/a/kept"));
}

TEST_F(Copy, FollowsNoLinkOfTheMachineOrOfTheTarget) {
  std::filesystem::create_directories(root_ + "/there");
  std::filesystem::create_directories(root_ + "/outside");
  std::filesystem::create_directory_symlink("../outside", root_ + "/there/way");
  auto copy = to({.path = "there", .name = "web", .content = true});
  ASSERT_TRUE(take(copy, entry(EntryKind::Folder, "")));
  auto link = entry(EntryKind::SymbolicLink, "link");
  link.link = root_ + "/outside";
  ASSERT_TRUE(take(copy, link));
  EXPECT_FALSE(take(copy, entry(EntryKind::File, "link/a")));
  EXPECT_FALSE(take(copy, entry(EntryKind::File, "way/a")));
  EXPECT_FALSE(take(copy, entry(EntryKind::Folder, "way")));
  auto hard = entry(EntryKind::HardLink, "hard");
  hard.link = "way/a";
  EXPECT_FALSE(take(copy, hard));
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/outside"));
}

TEST_F(Copy, MakesNothingThatIsNoFile) {
  std::filesystem::create_directory(root_ + "/there");
  auto copy = to({.path = "there", .name = "web"});
  ASSERT_TRUE(take(copy, entry(EntryKind::Folder, "")));
  EXPECT_FALSE(take(copy, entry(EntryKind::Whiteout, "a")));
  EXPECT_FALSE(take(copy, entry(EntryKind::Opaque, "a")));
}

TEST(LastNameOf, KnowsWhenTheContentIsMeant) {
  EXPECT_EQ(last_name_of("/a/b/").name, "b");
  EXPECT_FALSE(last_name_of("/a/b/").content);
  EXPECT_TRUE(last_name_of("a/b/.").content);
  EXPECT_EQ(last_name_of("a/b/.").name, "b");
  EXPECT_TRUE(last_name_of("/").content);
  EXPECT_TRUE(last_name_of(".").content);
}

}  // namespace
}  // namespace bh::machine
