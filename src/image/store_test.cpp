#include "image/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "image/adding.h"
#include "image/blob_writer.h"
#include "image/garbage.h"
#include "image/image.h"
#include "os/folder.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::image {
namespace {

std::span<std::byte const> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class StoreTest : public testing::Test {
 protected:
  std::size_t files(char const* folder) const {
    return static_cast<std::size_t>(
        std::ranges::distance(std::filesystem::directory_iterator(store_.path() + "/" + folder),
                              std::filesystem::directory_iterator()));
  }

  NamedImage add(std::string const& name, std::string const& layer) {
    auto const digest = store_.add(layer).value();
    ImageConfig config;
    config.platform = Platform::parse("amd64").value();
    config.diff_ids = {digest};
    return add_image(store_, name, config,
                     {{.media_type = std::string(kOciLayer),
                       .digest = digest,
                       .size = layer.size(),
                       .platform = {},
                       .annotations = {}}})
        .value();
  }

  Result<Swept> collect(Downloads downloads) {
    auto const collecting = store_.begin_collecting();
    return collect_garbage(store_, collecting.value(), downloads);
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("store-test").value());
  Store store_ = std::move(Store::open(folder_.path() + "/root").value());
};

TEST_F(StoreTest, IsAnOciLayout) {
  EXPECT_TRUE(std::filesystem::exists(store_.path() + "/oci-layout"));
  auto const digest = store_.add("text");
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_TRUE(std::filesystem::exists(store_.path() + "/blobs/sha256/" + digest->hex()));
  EXPECT_EQ(store_.read_document(*digest).value(), "text");
  EXPECT_EQ(store_.blob_size(*digest).value(), 4u);
}

TEST_F(StoreTest, KeepsTheSameBlobOnce) {
  EXPECT_EQ(store_.add("text").value(), store_.add("text").value());
  EXPECT_EQ(files("blobs/sha256"), 1u);
}

TEST_F(StoreTest, ShowsNothingOfABlobThatIsGivenUp) {
  {
    auto writer = BlobWriter::create(store_);
    ASSERT_TRUE(writer->write(bytes("half")));
  }
  EXPECT_EQ(files("blobs/sha256"), 0u);
  EXPECT_EQ(files("partial"), 0u);
}

TEST_F(StoreTest, RefusesABlobOfAnotherDigestOrSize) {
  for (auto const size : {std::uint64_t{5}, std::uint64_t{4}}) {
    auto writer = BlobWriter::create(store_);
    ASSERT_TRUE(writer->write(bytes("text")));
    auto const kept = writer->commit_as(Digest::of("other"), size);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, Errc::Corrupt);
  }
  EXPECT_EQ(files("blobs/sha256"), 0u);
}

TEST_F(StoreTest, GoesOnWithADownloadThatBroke) {
  auto const digest = Digest::of("whole text");
  {
    auto first = BlobWriter::resume(store_, digest, 10);
    ASSERT_TRUE(first && *first);
    ASSERT_TRUE((*first)->write(bytes("whole ")));
  }
  auto second = BlobWriter::resume(store_, digest, 10);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->size(), 6u);
  ASSERT_TRUE((*second)->write(bytes("text")));
  EXPECT_EQ((*second)->commit().value(), digest);
  EXPECT_EQ(store_.read_document(digest).value(), "whole text");
  EXPECT_EQ(files("partial"), 0u);
  EXPECT_FALSE(BlobWriter::resume(store_, digest, 10)->has_value());
}

TEST_F(StoreTest, ForgetsADownloadThatTurnsOutWrong) {
  auto const digest = Digest::of("right");
  auto writer = BlobWriter::resume(store_, digest, 5);
  ASSERT_TRUE((*writer)->write(bytes("wrong")));
  EXPECT_EQ((*writer)->commit().error().code, Errc::Corrupt);
  EXPECT_EQ(files("partial"), 0u);
}

TEST_F(StoreTest, NoticesADamagedBlob) {
  auto const digest = store_.add("text").value();
  auto const path = store_.path() + "/" + blob_name(digest);
  ASSERT_EQ(::truncate(path.c_str(), 2), 0);
  EXPECT_EQ(store_.read_document(digest).error().code, Errc::Corrupt);
}

TEST_F(StoreTest, FindsAnImageByNameDigestAndDigits) {
  auto const added = add("docker.io/library/a:1", "layer");
  auto const image = find_image(store_, "a:1");
  ASSERT_TRUE(image) << image.error().message;
  auto const id = image->id();
  EXPECT_EQ(find_image(store_, id.hex().substr(0, 8))->entry.name, added.name);
  EXPECT_EQ(find_image(store_, id.text())->entry.name, added.name);
  EXPECT_EQ(find_image(store_, "a@" + added.manifest.digest.text())->id(), id);
  EXPECT_EQ(find_image(store_, "a:2").error().code, Errc::NotFound);
  EXPECT_EQ(find_image(store_, "b@" + added.manifest.digest.text()).error().code, Errc::NotFound);
  EXPECT_EQ(find_image(store_, "ffffffffffff").error().code, Errc::NotFound);
}

TEST_F(StoreTest, ANameMeansOneImageAndWhatItMeantBeforeLosesIt) {
  add("docker.io/library/a:1", "one");
  add("docker.io/library/a:1", "two");
  auto const names = read_names(store_).value();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names[0].name, "");
  EXPECT_EQ(find_image(store_, "a:1")->config.diff_ids[0], Digest::of("two"));
}

TEST_F(StoreTest, AnImageMayHaveTwoNames) {
  auto image = add("docker.io/library/a:1", "one");
  image.name = "docker.io/library/b:1";
  ASSERT_TRUE(set_name(store_, image));
  ASSERT_TRUE(set_name(store_, image));
  EXPECT_EQ(read_names(store_)->size(), 2u);
  EXPECT_EQ(find_image(store_, "a:1")->id(), find_image(store_, "b:1")->id());
}

TEST_F(StoreTest, SweepsWhatNoNameNeeds) {
  add("docker.io/library/a:1", "one");
  add("docker.io/library/b:1", "two");
  auto const removed =
      remove_names(store_, lock_names(store_).value(),
                   [](NamedImage const& image) { return image.name == "docker.io/library/a:1"; });
  EXPECT_EQ(removed->size(), 1u);
  auto const swept = collect(Downloads::Keep);
  ASSERT_TRUE(swept) << swept.error().message;
  EXPECT_EQ(swept->blobs, 3u);
  EXPECT_EQ(files("blobs/sha256"), 3u);
  EXPECT_TRUE(find_image(store_, "b:1"));
}

TEST_F(StoreTest, KeepsHalfADownloadUnlessToldOtherwise) {
  {
    auto writer = BlobWriter::resume(store_, Digest::of("whole"), 5);
    ASSERT_TRUE((*writer)->write(bytes("wh")));
  }
  ASSERT_TRUE(collect(Downloads::Keep));
  EXPECT_EQ(files("partial"), 1u);
  ASSERT_TRUE(collect(Downloads::Remove));
  EXPECT_EQ(files("partial"), 0u);
}

TEST_F(StoreTest, LeavesAloneWhatIsMadeOrAskedForMeanwhile) {
  add("docker.io/library/old:1", "old");
  auto const found = store_.add("found").value();
  auto const forgotten = store_.add("forgotten").value();
  // Files have times of a tick of the kernel's clock; these are not of the next one's.
  for (auto const& blob : std::filesystem::directory_iterator(store_.path() + "/blobs/sha256")) {
    std::array<timespec, 2> const long_ago{{{.tv_sec = 1}, {.tv_sec = 1}}};
    ::utimensat(AT_FDCWD, blob.path().c_str(), long_ago.data(), 0);
  }
  auto adding = store_.begin_adding();
  ASSERT_TRUE(adding) << adding.error().message;
  auto const made = store_.add("made").value();
  EXPECT_TRUE(store_.has(found));
  remove_names(store_, lock_names(store_).value(), [](NamedImage const&) { return true; }).value();
  auto const swept = collect(Downloads::Remove);
  ASSERT_TRUE(swept) << swept.error().message;
  EXPECT_EQ(swept->blobs, 4u);
  EXPECT_TRUE(store_.has(found));
  EXPECT_TRUE(store_.has(made));
  EXPECT_FALSE(store_.has(forgotten));
  // What runs needs its layers, and nothing else.
  ASSERT_TRUE(os::make_folders(store_.path() + "/layers/" + found.hex() + "/fs"));
  ASSERT_TRUE(adding->settle(std::array{found.hex()}));
  EXPECT_EQ(collect(Downloads::Remove)->blobs, 2u);
  EXPECT_EQ(files("layers"), 1u);
  {
    auto const ended = std::move(*adding);
  }
  EXPECT_EQ(collect(Downloads::Remove)->layers, 1u);
  EXPECT_EQ(files("adding"), 0u);
}

TEST_F(StoreTest, ForgetsWhoWasKilledWhileAdding) {
  {
    auto const made = store_.begin_adding();
  }
  auto const left = os::open_at(store_.fd(), "adding/123456", O_WRONLY | O_CREAT, 0600);
  ASSERT_TRUE(left);
  store_.add("lost").value();
  EXPECT_EQ(collect(Downloads::Remove)->blobs, 1u);
  EXPECT_EQ(files("adding"), 0u);
}

}  // namespace
}  // namespace bh::image
