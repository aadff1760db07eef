#include "image/layer_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>
#include <fstream>

#include "image/testing/tar_builder.h"
#include "os/folder.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::image {
namespace {

class LayerFolderTest : public testing::Test {
 protected:
  LayerFolderTest() { std::filesystem::create_directory(path_); }

  std::string unpack(TarBuilder& builder) {
    auto const tar = builder.finish();
    LayerFolder sink(std::move(os::open_at(AT_FDCWD, path_, O_RDONLY | O_DIRECTORY)).value());
    auto const read =
        read_layer(std::make_unique<MemorySource>(std::as_bytes(std::span(tar))), tar.size(), sink);
    if (!read) return read.error().message;
    auto const finished = sink.finish();
    return finished ? "ok" : finished.error().message;
  }

  struct stat status(std::string const& name) const {
    struct stat info{};
    EXPECT_EQ(::lstat((path_ + "/" + name).c_str(), &info), 0) << name;
    return info;
  }
  std::string text(std::string const& name) const {
    return os::read_text_at(AT_FDCWD, path_ + "/" + name, 1 << 20).value_or("none");
  }
  bool exists(std::string const& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path_ + "/" + name));
  }
  bool is_whiteout(std::string const& name) const {
    auto const info = status(name);
    return S_ISCHR(info.st_mode) && info.st_rdev == 0;
  }
  bool is_opaque(std::string const& name) const {
    auto const path = path_ + "/" + name;
    char value = 0;
    return (::getxattr(path.c_str(), "trusted.overlay.opaque", &value, 1) == 1 ||
            ::getxattr(path.c_str(), "user.overlay.opaque", &value, 1) == 1) &&
           value == 'y';
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("layer-test").value());
  std::string path_ = folder_.path() + "/fs";
};

TEST_F(LayerFolderTest, HoldsWhatTheTarSays) {
  TarBuilder tar;
  tar.folder("a", 0711).file("a/b", "text", 0640).symbolic_link("a/c", "b").hard_link("d", "a/b");
  tar.pipe("p").file("a/e/f", "parents are made");
  ASSERT_EQ(unpack(tar), "ok");
  EXPECT_EQ(text("a/b"), "text");
  EXPECT_EQ(status("a/b").st_mode, S_IFREG | 0640u);
  EXPECT_EQ(status("a/b").st_mtime, 1'000'000'000);
  EXPECT_EQ(status("a").st_mode, S_IFDIR | 0711u);
  EXPECT_EQ(status("a").st_mtime, 1'000'000'000);
  EXPECT_EQ(status("d").st_ino, status("a/b").st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(path_ + "/a/c"), "b");
  EXPECT_TRUE(S_ISFIFO(status("p").st_mode));
  EXPECT_EQ(text("a/e/f"), "parents are made");
}

TEST_F(LayerFolderTest, ClosesFoldersOnlyInTheEnd) {
  TarBuilder tar;
  tar.folder("a", 0555).file("a/b", "text");
  ASSERT_EQ(unpack(tar), "ok");
  EXPECT_EQ(status("a").st_mode, S_IFDIR | 0555u);
  EXPECT_EQ(text("a/b"), "text");
}

TEST_F(LayerFolderTest, TheLastOfTwoEntriesWins) {
  TarBuilder tar;
  tar.file("a", "first").file("a", "second").folder("b").file("b/c").file("b", "no folder");
  ASSERT_EQ(unpack(tar), "ok");
  EXPECT_EQ(text("a"), "second");
  EXPECT_EQ(text("b"), "no folder");
}

TEST_F(LayerFolderTest, WritesNothingThroughLinks) {
  auto const outside = folder_.path() + "/outside";
  std::filesystem::create_directory(outside);
  for (auto const& target : {outside, std::string("../outside"), std::string("/")}) {
    TarBuilder tar;
    tar.symbolic_link("a", target).file("a/evil", "x");
    EXPECT_NE(unpack(tar).find("goes through a symbolic link"), std::string::npos) << target;
    TarBuilder linked;
    linked.symbolic_link("a", target).hard_link("b", "a/evil");
    EXPECT_NE(unpack(linked), "ok") << target;
    TarBuilder hidden;
    hidden.symbolic_link("a", target).file("a/.wh.evil");
    EXPECT_NE(unpack(hidden), "ok") << target;
  }
  EXPECT_TRUE(std::filesystem::is_empty(outside));
}

TEST_F(LayerFolderTest, ReplacesALinkInsteadOfWritingThroughIt) {
  auto const victim = folder_.path() + "/victim";
  std::ofstream(victim) << "old";
  TarBuilder tar;
  tar.symbolic_link("a", victim).file("a", "new");
  ASSERT_EQ(unpack(tar), "ok");
  EXPECT_EQ(text("a"), "new");
  EXPECT_EQ(text("../victim"), "old");
}

TEST_F(LayerFolderTest, WritesWhiteoutsAsOverlayfsReadsThem) {
  TarBuilder tar;
  tar.file("a/.wh.gone").folder("b").file("b/.wh..wh..opq").file("b/new", "x");
  ASSERT_EQ(unpack(tar), "ok");
  EXPECT_TRUE(is_whiteout("a/gone"));
  EXPECT_TRUE(is_opaque("b"));
  EXPECT_FALSE(is_opaque("a"));
  EXPECT_EQ(text("b/new"), "x");
}

TEST_F(LayerFolderTest, AWhiteoutHidesNothingOfItsOwnLayer) {
  TarBuilder tar;
  tar.file("a", "kept").file(".wh.a").folder("b").file("b/x", "kept").file(".wh.b");
  tar.file(".wh.c").file("c", "comes later").file(".wh.d").file("d/x", "comes later");
  ASSERT_EQ(unpack(tar), "ok");
  EXPECT_EQ(text("a"), "kept");
  EXPECT_EQ(text("b/x"), "kept");
  EXPECT_TRUE(is_opaque("b"));
  EXPECT_EQ(text("c"), "comes later");
  EXPECT_EQ(text("d/x"), "comes later");
  EXPECT_TRUE(is_opaque("d"));
}

TEST_F(LayerFolderTest, LinksOnlyToFilesOfItsOwn) {
  TarBuilder tar;
  tar.hard_link("a", "b");
  EXPECT_NE(unpack(tar).find("no file of this layer"), std::string::npos);
  TarBuilder folder;
  folder.folder("b").hard_link("a", "b");
  EXPECT_NE(unpack(folder).find("no file of this layer"), std::string::npos);
  EXPECT_FALSE(exists("a"));
}

}  // namespace
}  // namespace bh::image
