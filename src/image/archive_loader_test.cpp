#include "image/archive_loader.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "image/archive_saver.h"
#include "image/image.h"
#include "image/testing/tar_builder.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::image {
namespace {

class ArchiveTest : public testing::Test {
 protected:
  Store store(std::string const& name) const {
    return std::move(Store::open(folder_.path() + "/" + name)).value();
  }

  static Image add(Store const& store, std::string const& name) {
    auto const layer = gzipped(TarBuilder().file("a", name).finish());
    auto const digest = store.add(layer).value();
    ImageConfig config;
    config.platform = Platform::host();
    config.diff_ids = {Digest::of(TarBuilder().file("a", name).finish())};
    auto const entry = add_image(store, name, config,
                                 {{.media_type = std::string(kOciLayerGzip),
                                   .digest = digest,
                                   .size = layer.size(),
                                   .platform = {},
                                   .annotations = {}}});
    return load_image(store, *entry).value();
  }

  static Result<std::vector<NamedImage>> load_tar(Store const& store, std::string const& tar,
                                                  LoadOptions const& options = {}) {
    return load_archive(store, std::make_unique<MemorySource>(std::as_bytes(std::span(tar))),
                        options);
  }

  std::string docker_archive(std::string const& layer_path) const {
    auto const layer = TarBuilder().file("x", "y").finish();
    ImageConfig config;
    config.platform = Platform::host();
    config.diff_ids = {Digest::of(layer)};
    return TarBuilder()
        .file("one/layer.tar", layer)
        .symbolic_link("two/layer.tar", "../one/layer.tar")
        .file("config.json", config.text())
        .file("manifest.json", R"([{"Config":"config.json","RepoTags":["a:1","b:2"],"Layers":[")" +
                                   layer_path + "\"]}]")
        .finish();
  }

  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("archive-test").value());
};

TEST_F(ArchiveTest, ComesBackAsItWasSaved) {
  auto const from = store("from");
  std::vector<Image> const images{add(from, "docker.io/library/a:1"),
                                  add(from, "localhost/b:latest")};
  auto const path = folder_.path() + "/saved.tar";
  auto const file = os::open_at(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
  auto const saved = save_archive(from, images, *file);
  ASSERT_TRUE(saved) << saved.error().message;
  auto const to = store("to");
  auto const loaded = load(to, path, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (auto const& image : images) {
    auto const found = find_image(to, image.entry.name);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->entry.manifest.digest, image.entry.manifest.digest);
  }
}

TEST_F(ArchiveTest, ComesBackFromAFolderToo) {
  auto const from = store("from");
  std::vector<Image> const images{add(from, "docker.io/library/a:1")};
  auto const folder = folder_.path() + "/layout";
  ASSERT_TRUE(save_folder(from, images, folder));
  // The store is a layout as well.
  for (auto const& path : {folder, from.path()}) {
    auto const to = store("to" + std::to_string(path.size()));
    auto const loaded = load(to, path, {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_TRUE(find_image(to, "a:1"));
  }
}

TEST_F(ArchiveTest, IsReadAsDockerWritesIt) {
  auto const to = store("to");
  for (auto const* layer : {"one/layer.tar", "two/layer.tar"}) {
    auto const loaded = load_tar(to, docker_archive(layer));
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->size(), 2u);
    EXPECT_EQ(find_image(to, "a:1")->id(), find_image(to, "b:2")->id());
  }
}

TEST_F(ArchiveTest, TakesTheNameGiven) {
  auto const to = store("to");
  LoadOptions options;
  options.name = "localhost/mine:1";
  ASSERT_TRUE(load_tar(to, docker_archive("one/layer.tar"), options));
  EXPECT_TRUE(find_image(to, "localhost/mine:1"));
  EXPECT_FALSE(find_image(to, "a:1"));
}

TEST_F(ArchiveTest, SaysWhatIsMissing) {
  auto const to = store("to");
  EXPECT_EQ(load_tar(to, docker_archive("three/layer.tar")).error().message,
            "there is no three/layer.tar in it");
  EXPECT_EQ(load_tar(to, docker_archive("../../etc/shadow")).error().code, Errc::Denied);
  EXPECT_EQ(load_tar(to, TarBuilder().file("etc/passwd").finish()).error().code, Errc::Invalid);
  EXPECT_EQ(load_tar(to, "no tar at all").error().code, Errc::Corrupt);
  EXPECT_EQ(load_tar(to, TarBuilder().symbolic_link("index.json", "../../x").finish()).error().code,
            Errc::NotFound);
  EXPECT_TRUE(read_names(to)->empty());
}

TEST_F(ArchiveTest, RefusesABlobThatIsNotWhatItsNameSays) {
  auto const from = store("from");
  auto const image = add(from, "docker.io/library/a:1");
  auto const folder = folder_.path() + "/layout";
  ASSERT_TRUE(save_folder(from, std::span(&image, 1), folder));
  auto const layer = folder + "/" + blob_name(image.manifest.layers[0].digest);
  ASSERT_TRUE(os::write_text_at(AT_FDCWD, layer, "X"));
  auto const to = store("to");
  EXPECT_EQ(load(to, folder, {}).error().code, Errc::Corrupt);
  EXPECT_TRUE(read_names(to)->empty());
}

}  // namespace
}  // namespace bh::image
