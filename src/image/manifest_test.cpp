#include "image/manifest.h"

#include <gtest/gtest.h>

namespace bh::image {
namespace {

using testing::Test;

Descriptor descriptor(std::string_view type, std::string_view content) {
  return {.media_type = std::string(type),
          .digest = Digest::of(content),
          .size = content.size(),
          .platform = {},
          .annotations = {}};
}

Manifest image() {
  return {.media_type = std::string(kOciManifest),
          .config = descriptor(kOciConfig, "config"),
          .layers = {descriptor(kOciLayer, "one"), descriptor(kOciLayerZstd, "two")}};
}

TEST(Manifest, IsReadAsItWasWritten) {
  auto const read = parse_manifest(manifest_text(image()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->config.digest, Digest::of("config"));
  ASSERT_EQ(read->layers.size(), 2u);
  EXPECT_EQ(read->layers[1].media_type, kOciLayerZstd);
  EXPECT_EQ(read->layers[1].size, 3u);
}

TEST(Manifest, WithoutATypeOfItsOwnHasThatOfItsMembers) {
  auto text = manifest_text(image());
  auto const type = text.find("\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",");
  text.erase(type, std::string_view("\"mediaType\":\"\",").size() + kOciManifest.size());
  EXPECT_EQ(parse_manifest(text)->media_type, kOciManifest);
}

TEST(Manifest, MustHaveLayers) {
  auto none = image();
  none.layers.clear();
  EXPECT_EQ(parse_manifest(manifest_text(none)).error().code, Errc::Unsupported);
}

TEST(Manifest, RefusesArtifactsOldSchemasAndSizesThatCannotBe) {
  auto artifact = image();
  artifact.config.media_type = "application/vnd.cncf.helm.config.v1+json";
  EXPECT_EQ(parse_manifest(manifest_text(artifact)).error().code, Errc::Unsupported);
  EXPECT_EQ(parse_document(R"({"schemaVersion":1})").error().code, Errc::Unsupported);
  auto huge = image();
  huge.layers[0].size = ~std::uint64_t{0};
  EXPECT_EQ(parse_manifest(manifest_text(huge)).error().code, Errc::Corrupt);
}

TEST(Manifest, SaysWhichMemberIsWrong) {
  for (auto const* text : {"", "[]", "{", "null", R"({"schemaVersion":2,"layers":{}})",
                           R"({"schemaVersion":2,"config":[],"layers":[]})",
                           R"({"schemaVersion":2,"config":{"digest":"x"},"layers":[]})"}) {
    EXPECT_FALSE(parse_document(text)) << text;
  }
  EXPECT_EQ(parse_document(R"({"schemaVersion":2,"layers":[],"config":[]})").error().message,
            "\"config\" is not an object there");
}

Index two_platforms() {
  Index index{.media_type = std::string(kOciIndex), .manifests = {}};
  for (auto const* platform : {"linux/amd64", "linux/arm64/v8"}) {
    index.manifests.push_back(descriptor(kOciManifest, platform));
    index.manifests.back().platform = Platform::parse(platform).value();
  }
  return index;
}

TEST(Index, SelectsThePlatform) {
  auto const index = parse_index(index_text(two_platforms()));
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_EQ(index->select(*Platform::parse("arm64"))->digest, Digest::of("linux/arm64/v8"));
}

TEST(Index, SaysWhichPlatformsThereAre) {
  auto const none = two_platforms().select(*Platform::parse("riscv64"));
  EXPECT_EQ(none.error().message,
            "there is no image for linux/riscv64, but for linux/amd64, linux/arm64; choose one "
            "with --platform");
}

}  // namespace
}  // namespace bh::image
