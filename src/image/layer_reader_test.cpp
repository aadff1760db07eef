#include "image/layer_reader.h"

#include <gtest/gtest.h>

#include <map>

#include "image/layer_pipe.h"
#include "image/testing/tar_builder.h"

namespace bh::image {
namespace {

/// Keeps what it is given.
class Recorder final : public LayerSink {
 public:
  Result<> take(Entry const& entry, Content& content) override {
    entries.push_back(entry);
    if (entry.kind != EntryKind::File) return {};
    std::string text(entry.size, '\0');
    while (true) {
      auto const piece = BH_TRY(content.next());
      if (piece.bytes.empty()) break;
      text.replace(piece.offset, piece.bytes.size(),
                   reinterpret_cast<char const*>(piece.bytes.data()), piece.bytes.size());
    }
    contents[entry.path] = text;
    return {};
  }

  std::vector<Entry> entries;
  std::map<std::string, std::string> contents;
};

class LayerReaderTest : public testing::Test {
 protected:
  Result<Digest> read(std::string const& blob) {
    blob_ = blob;
    return read_layer(std::make_unique<MemorySource>(std::as_bytes(std::span(blob_))), blob.size(),
                      sink_);
  }
  std::string error_of(TarBuilder& tar) {
    auto const digest = read(tar.finish());
    return digest ? "none" : digest.error().message;
  }

  std::string blob_;
  Recorder sink_;
};

TEST_F(LayerReaderTest, GivesEntriesAndTheDigestOfTheTar) {
  auto const tar = TarBuilder()
                       .folder("./a/", 0711)
                       .with_owner(1000, 100)
                       .file("/a/b", "text", 04755)
                       .symbolic_link("a/c", "../../etc")
                       .hard_link("a/d", "./a/b")
                       .pipe("p")
                       .finish();
  for (auto const& blob : {tar, gzipped(tar), zstd_compressed(tar)}) {
    sink_ = {};
    auto const digest = read(blob);
    ASSERT_TRUE(digest) << digest.error().message;
    EXPECT_EQ(*digest, Digest::of(tar));
    ASSERT_EQ(sink_.entries.size(), 5u);
    EXPECT_EQ(sink_.entries[0].path, "a");
    EXPECT_EQ(sink_.entries[0].mode, 0711u);
    EXPECT_EQ(sink_.entries[1].uid, 1000u);
    EXPECT_EQ(sink_.entries[1].mode, 04755u);
    EXPECT_EQ(sink_.entries[1].seconds, 1'000'000'000);
    EXPECT_EQ(sink_.contents["a/b"], "text");
    EXPECT_EQ(sink_.entries[2].link, "../../etc");
    EXPECT_EQ(sink_.entries[3].kind, EntryKind::HardLink);
    EXPECT_EQ(sink_.entries[3].link, "a/b");
    EXPECT_EQ(sink_.entries[4].kind, EntryKind::Fifo);
  }
}

TEST_F(LayerReaderTest, ReadsAnEmptyLayer) {
  EXPECT_TRUE(read(TarBuilder().finish()));
  EXPECT_TRUE(read(""));
  EXPECT_TRUE(sink_.entries.empty());
}

TEST_F(LayerReaderTest, KeepsNamesThatAreNotAscii) {
  ASSERT_TRUE(read(TarBuilder().file("caf\xc3\xa9/" + std::string(120, 'x')).finish()));
  EXPECT_EQ(sink_.entries.at(0).path, "caf\xc3\xa9/" + std::string(120, 'x'));
}

TEST_F(LayerReaderTest, ReadsWhiteouts) {
  ASSERT_TRUE(read(TarBuilder()
                       .file("a/.wh.b")
                       .file("a/.wh..wh..opq")
                       .file(".wh..wh.plnk")
                       .file(".wh.c")
                       .finish()));
  ASSERT_EQ(sink_.entries.size(), 3u);
  EXPECT_EQ(sink_.entries[0].kind, EntryKind::Whiteout);
  EXPECT_EQ(sink_.entries[0].path, "a/b");
  EXPECT_EQ(sink_.entries[1].kind, EntryKind::Opaque);
  EXPECT_EQ(sink_.entries[1].path, "a");
  EXPECT_EQ(sink_.entries[2].path, "c");
}

TEST_F(LayerReaderTest, KeepsAttributesOfFilesAndNotThoseOfFileSystems) {
  ASSERT_TRUE(read(TarBuilder()
                       .with_attribute("user.note", "x")
                       .with_attribute("security.capability", "cap")
                       .with_attribute("trusted.overlay.opaque", "y")
                       .with_attribute("user.overlay.opaque", "y")
                       .with_attribute("security.selinux", "label")
                       .file("a")
                       .finish()));
  ASSERT_EQ(sink_.entries.at(0).attributes.size(), 2u);
  EXPECT_EQ(sink_.entries[0].attributes[0].first, "security.capability");
  EXPECT_EQ(sink_.entries[0].attributes[1].first, "user.note");
}

TEST_F(LayerReaderTest, RefusesPathsThatLeadOut) {
  for (auto const* path : {"../x", "a/../../x", "/..", "a/.."}) {
    sink_ = {};
    TarBuilder tar;
    tar.file(path);
    EXPECT_NE(error_of(tar).find("leads out of the image"), std::string::npos) << path;
  }
  TarBuilder link;
  link.file("a").hard_link("b", "../../etc/shadow");
  EXPECT_NE(error_of(link).find("leads out of the image"), std::string::npos);
  TarBuilder whiteout;
  whiteout.file("a/.wh...");
  EXPECT_NE(error_of(whiteout), "none");
}

TEST_F(LayerReaderTest, LeavesOutTheUsualDevicesAndRefusesOthers) {
  ASSERT_TRUE(read(TarBuilder().device("dev/null", 1, 3).device("./dev/tty", 5, 0).finish()));
  EXPECT_TRUE(sink_.entries.empty());
  for (auto const& [path, minor] : {std::pair{"dev/null", 1u}, {"tmp/null", 3u}, {"dev/x", 0u}}) {
    TarBuilder tar;
    tar.device(path, 1, minor);
    EXPECT_NE(error_of(tar).find("is a device node"), std::string::npos) << path;
  }
  // A whiteout of overlayfs would hide a file of a lower layer from whoever checks the layer.
  TarBuilder whiteout;
  whiteout.device("a", 0, 0);
  EXPECT_NE(error_of(whiteout).find("is a device node"), std::string::npos);
}

TEST_F(LayerReaderTest, RefusesWhatLinuxWouldNotTake) {
  TarBuilder long_name;
  long_name.file(std::string(256, 'x'));
  EXPECT_NE(error_of(long_name).find("is no path that Linux takes"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 1100; ++i) deep += "a/";
  TarBuilder deep_path;
  deep_path.file(deep + "x");
  EXPECT_NE(error_of(deep_path).find("is no path that Linux takes"), std::string::npos);
  TarBuilder attributes;
  attributes.with_attribute("user.a", std::string(60'000, 'x'))
      .with_attribute("user.b", std::string(60'000, 'x'))
      .file("a");
  EXPECT_NE(error_of(attributes).find("extended attributes"), std::string::npos);
  TarBuilder owner;
  owner.with_owner(0xffff'ffff, 0).file("a");
  EXPECT_NE(error_of(owner).find("owner that no Linux has"), std::string::npos);
  TarBuilder root;
  root.symbolic_link("./", "/etc");
  EXPECT_NE(error_of(root), "none");
}

TEST_F(LayerReaderTest, RefusesABomb) {
  EXPECT_TRUE(check_growth(kGiB, 1));
  EXPECT_TRUE(check_growth(100 * kGiB, kGiB));
  auto const bomb = check_growth(kGiB + 1, kMiB);
  ASSERT_FALSE(bomb);
  EXPECT_NE(bomb.error().message.find("that is a bomb"), std::string::npos);
}

TEST_F(LayerReaderTest, RefusesMoreThanItMayUnpackTo) {
  auto const zeros = zstd_compressed(std::string(1 << 20, '\0'));
  auto const source = [&] {
    return std::make_unique<MemorySource>(std::as_bytes(std::span(zeros)));
  };
  EXPECT_TRUE(read_layer(source(), zeros.size(), sink_, 1 << 20));
  auto const digest = read_layer(source(), zeros.size(), sink_, (1 << 20) - 1);
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().message, "it unpacks to more than 1024 KiB");
}

TEST_F(LayerReaderTest, SaysThatATarIsDamaged) {
  auto tar = TarBuilder().file("a", std::string(5000, 'x')).finish();
  EXPECT_EQ(read(tar.substr(0, 2000)).error().code, Errc::Corrupt);
  tar[100] ^= 1;
  EXPECT_EQ(read(tar).error().code, Errc::Corrupt);
  EXPECT_EQ(read(std::string(2000, 'x')).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace bh::image
