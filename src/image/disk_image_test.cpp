#include "image/disk_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>

#include "image/erofs_format.h"
#include "image/testing/tar_builder.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::image {
namespace {

/// What the file systems contain is compared with a kernel's view of them in tests/image.
class DiskImageTest : public testing::Test {
 protected:
  Image image_of(std::vector<std::string> const& tars) {
    ImageConfig config;
    std::vector<Descriptor> layers;
    for (auto const& tar : tars) {
      auto const digest = store_.add(tar).value();
      config.diff_ids.push_back(digest);
      layers.push_back({.media_type = std::string(kOciLayer),
                        .digest = digest,
                        .size = tar.size(),
                        .platform = {},
                        .annotations = {}});
    }
    auto const entry = add_image(store_, "localhost/a:1", config, layers).value();
    return load_image(store_, entry).value();
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("disk-test").value());
  Store store_ = std::move(Store::open(folder_.path()).value());
};

TEST_F(DiskImageTest, IsErofsAndMadeOnce) {
  auto const image = image_of({TarBuilder().folder("a").file("a/b", "text").finish()});
  auto const path = disk_image(store_, image);
  ASSERT_TRUE(path) << path.error().message;
  auto const bytes = os::read_text_at(AT_FDCWD, *path, 1 << 20).value();
  ASSERT_GE(bytes.size(), 2 * erofs::kBlock);
  EXPECT_EQ(bytes.size() % erofs::kBlock, 0u);
  erofs::SuperBlock super;
  std::memcpy(&super, bytes.data() + erofs::kSuperBlockOffset, sizeof super);
  EXPECT_EQ(super.magic, erofs::kMagic);
  EXPECT_EQ(super.inodes, 3u);
  EXPECT_EQ(super.blocks * erofs::kBlock, bytes.size());
  EXPECT_EQ(disk_image(store_, image).value(), *path);
}

TEST_F(DiskImageTest, IsTheSameForTheSameLayers) {
  auto const image = image_of({TarBuilder().file("a", std::string(10'000, 'x')).finish(),
                               TarBuilder().file(".wh.a").file("b", "y").finish()});
  auto const path = disk_image(store_, image).value();
  auto const bytes = os::read_text_at(AT_FDCWD, path, 1 << 20).value();
  ASSERT_EQ(::unlink(path.c_str()), 0);
  EXPECT_EQ(os::read_text_at(AT_FDCWD, disk_image(store_, image).value(), 1 << 20).value(), bytes);
}

TEST_F(DiskImageTest, RefusesALayerThatIsNotTheConfigs) {
  auto image = image_of({TarBuilder().file("a").finish()});
  image.config.diff_ids[0] = Digest::of("other");
  auto const path = disk_image(store_, image);
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, Errc::Corrupt);
}

TEST_F(DiskImageTest, HoldsAttributesThatLeaveNoRoomForContent) {
  auto const image = image_of({TarBuilder()
                                   .with_attribute("user.a", std::string(4000, 'x'))
                                   .file("a", std::string(1500, 'y'))
                                   .finish()});
  EXPECT_TRUE(disk_image(store_, image));
}

}  // namespace
}  // namespace bh::image
