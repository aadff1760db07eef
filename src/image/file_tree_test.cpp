#include "image/file_tree.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

class FileTreeTest : public testing::Test {
 protected:
  Result<FileTree::InodeNumber> take(EntryKind kind, std::string const& path,
                                     std::string const& link = {}) {
    Entry entry;
    entry.kind = kind;
    entry.path = path;
    entry.link = link;
    return tree_.take(entry);
  }
  void file(std::string const& path) { EXPECT_TRUE(take(EntryKind::File, path)) << path; }
  void folder(std::string const& path) { EXPECT_TRUE(take(EntryKind::Folder, path)) << path; }
  void whiteout(std::string const& path) { EXPECT_TRUE(take(EntryKind::Whiteout, path)) << path; }

  /// "a/ a/b c": all names, folders with a slash.
  std::string names(FileTree::InodeNumber folder = FileTree::kRoot,
                    std::string const& prefix = {}) const {
    std::string text;
    for (auto const& [name, child] : tree_.inode(folder).children) {
      bool const is_folder = tree_.inode(child.inode).kind == EntryKind::Folder;
      text += prefix + name + (is_folder ? "/ " : " ");
      if (is_folder) text += names(child.inode, prefix + name + "/");
    }
    return text;
  }

  FileTree tree_;
};

TEST_F(FileTreeTest, PutsLayersOnTopOfEachOther) {
  folder("a");
  file("a/b");
  file("c");
  tree_.begin_layer();
  file("a/d");
  file("c");
  EXPECT_EQ(names(), "a/ a/b a/d c ");
}

TEST_F(FileTreeTest, WhiteoutsHideLowerLayersOnly) {
  file("a/b");
  file("a/c");
  file("d");
  tree_.begin_layer();
  file("a/new");
  whiteout("a");
  whiteout("d");
  whiteout("unknown");
  EXPECT_EQ(names(), "a/ a/new ");
  tree_.begin_layer();
  whiteout("a");
  file("a/newer");
  EXPECT_EQ(names(), "a/ a/newer ");
}

TEST_F(FileTreeTest, OpaqueFoldersShowTheirOwnLayerOnly) {
  file("a/b/c");
  file("a/d");
  tree_.begin_layer();
  file("a/b/new");
  EXPECT_TRUE(take(EntryKind::Opaque, "a"));
  EXPECT_EQ(names(), "a/ a/b/ a/b/new ");
}

TEST_F(FileTreeTest, AFolderComesInPlaceOfALowerLink) {
  EXPECT_TRUE(take(EntryKind::SymbolicLink, "lib", "usr/lib"));
  tree_.begin_layer();
  file("lib/x");
  EXPECT_EQ(names(), "lib/ lib/x ");
}

TEST_F(FileTreeTest, RefusesFoldersThatAreLinksOfTheSameLayer) {
  EXPECT_TRUE(take(EntryKind::SymbolicLink, "lib", "/etc"));
  EXPECT_EQ(take(EntryKind::File, "lib/x").error().code, Errc::Denied);
}

TEST_F(FileTreeTest, HardLinksOutliveTheOtherName) {
  file("a");
  EXPECT_TRUE(take(EntryKind::HardLink, "b", "a"));
  auto const& root = tree_.inode(FileTree::kRoot).children;
  auto const inode = root.at("a").inode;
  EXPECT_EQ(root.at("b").inode, inode);
  tree_.begin_layer();
  whiteout("a");
  EXPECT_EQ(names(), "b ");
  EXPECT_EQ(tree_.inode(FileTree::kRoot).children.at("b").inode, inode);
  EXPECT_FALSE(take(EntryKind::HardLink, "c", "b"));
}

}  // namespace
}  // namespace bh::image
