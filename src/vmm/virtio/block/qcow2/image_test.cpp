#include "vmm/virtio/block/qcow2/image.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>

#include "os/temporary_folder.h"
#include "vmm/virtio/block/qcow2/open.h"
#include "vmm/virtio/block/qcow2/testing/image_file.h"

namespace bh::vmm::virtio::qcow2 {
namespace {

using testing::ImageFile;

Result<std::unique_ptr<BlockImage>> open(ImageFile const& file,
                                         Image::Access access = Image::Access::ReadWrite) {
  return open_image(file.path(), access, Backing::Allow);
}

std::string read(BlockImage& image, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '?');
  // In two pieces, so that clusters begin within them.
  auto const all = std::as_writable_bytes(std::span(bytes));
  Segment const parts[] = {{.address = {}, .bytes = all.first(size / 3)},
                           {.address = {}, .bytes = all.subspan(size / 3)}};
  EXPECT_TRUE(image.read(offset, parts));
  return bytes;
}

void write(BlockImage& image, std::uint64_t offset, std::string bytes) {
  Segment const part{.address = {}, .bytes = std::as_writable_bytes(std::span(bytes))};
  auto const written = image.write(offset, std::span(&part, 1));
  EXPECT_TRUE(written) << written.error().message;
}

std::string zlib_compressed(std::string const& text) {
  std::string out(text.size() + 100, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::uint64_t compressed_entry(ImageFile const& file, std::uint64_t offset, std::size_t size) {
  unsigned const bits = 62 - (16 - 8);
  EXPECT_EQ(file.cluster_size(), 65536u);
  std::uint64_t const sectors = (offset % 512 + size - 1) / 512;
  return std::uint64_t{1} << 62 | sectors << bits | offset;
}

TEST(Qcow2, ReadsWhatWasWrittenAndZerosElsewhere) {
  ImageFile file({.size = 1 << 20});
  auto image = std::move(open(file).value());
  EXPECT_EQ(image->size(), 1u << 20);
  EXPECT_EQ(read(*image, 0, 4096), std::string(4096, '\0'));
  write(*image, 65536 - 512, std::string(1024, 'x'));
  EXPECT_EQ(read(*image, 65536 - 1024, 2048),
            std::string(512, '\0') + std::string(1024, 'x') + std::string(512, '\0'));
  EXPECT_TRUE(file.check().empty()) << file.check().front();
  image.reset();
  image = std::move(open(file, Image::Access::ReadOnly).value());
  EXPECT_EQ(read(*image, 65536, 512), std::string(512, 'x'));
}

TEST(Qcow2, KeepsItsCountsWhateverIsDone) {
  // Small clusters, so that tables of both kinds are made and grow.
  for (std::uint32_t const version : {2U, 3U}) {
    for (unsigned const bits : {9U, 12U}) {
      std::uint64_t const size = 3 << 20;
      ImageFile file({.version = version, .cluster_bits = bits, .size = size});
      auto image = std::move(open(file).value());
      std::string model(size, '\0');
      std::mt19937 random(bits + version);
      auto const up_to = [&](std::uint64_t most) { return random() % (most + 1); };
      for (int step = 0; step < 200; ++step) {
        std::uint64_t const offset = up_to(size / 512 - 1) * 512;
        std::uint64_t const count = std::min(size - offset, (1 + up_to(63)) * 512);
        auto const kind = up_to(5);
        if (kind < 3) {
          std::string const bytes(count, static_cast<char>('a' + up_to(25)));
          write(*image, offset, bytes);
          model.replace(offset, count, bytes);
        } else if (kind == 3) {
          EXPECT_TRUE(image->write_zeroes(offset, count, BlockImage::Unmap::Yes));
          model.replace(offset, count, std::string(count, '\0'));
        } else if (kind == 4) {
          EXPECT_TRUE(image->discard(offset, count));
          model.replace(offset, count, read(*image, offset, count));
        } else {
          ASSERT_EQ(read(*image, offset, count), model.substr(offset, count)) << step;
        }
      }
      EXPECT_EQ(read(*image, 0, size), model);
      EXPECT_TRUE(file.check().empty()) << file.check().front();
      image.reset();
      image = std::move(open(file).value());
      EXPECT_EQ(read(*image, 0, size), model);
    }
  }
}

TEST(Qcow2, GrowsItsTableOfCounts) {
  // A table of 64 blocks of 256 counts of 512 bytes each: 8 MiB.
  ImageFile file({.cluster_bits = 9, .size = 12 << 20});
  auto image = std::move(open(file).value());
  for (std::uint64_t at = 0; at < image->size(); at += 1 << 16) {
    write(*image, at, std::string(1 << 16, static_cast<char>('a' + at % 23)));
  }
  EXPECT_TRUE(file.check().empty()) << file.check().front();
  EXPECT_GT(file.get(56, 4), 1u);
  EXPECT_EQ(read(*image, 11 << 20, 512),
            std::string(512, static_cast<char>('a' + (11 << 20) % 23)));
}

TEST(Qcow2, GivesDiscardedClustersBack) {
  ImageFile file({.size = 1 << 20});
  auto image = std::move(open(file).value());
  write(*image, 0, std::string(1 << 20, 'x'));
  auto const end = file.end();
  EXPECT_TRUE(image->discard(0, 1 << 20));
  EXPECT_EQ(read(*image, 0, 512), std::string(512, '\0'));
  write(*image, 0, std::string(1 << 20, 'y'));
  EXPECT_EQ(file.end(), end);
  EXPECT_TRUE(file.check().empty()) << file.check().front();
}

TEST(Qcow2, ReadsCompressedClustersAndWritesOverThem) {
  std::string text;
  while (text.size() < 65536) text += "line " + std::to_string(text.size()) + "\n";
  text.resize(65536);
  for (bool const zstd : {false, true}) {
    std::string packed;
    if (zstd) {
      packed.resize(ZSTD_compressBound(text.size()));
      packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
    } else {
      packed = zlib_compressed(text);
    }
    ImageFile file({.size = 1 << 20, .features = zstd ? 8U : 0U});
    auto const at = file.add_cluster() + 100;
    file.put_text(at, packed);
    file.set_first_entry(compressed_entry(file, at, packed.size()));
    auto image = std::move(open(file).value());
    EXPECT_EQ(read(*image, 0, 65536), text);
    EXPECT_EQ(read(*image, 1024, 512), text.substr(1024, 512));
    write(*image, 512, std::string(512, 'x'));
    auto const changed = text.substr(0, 512) + std::string(512, 'x') + text.substr(1024);
    EXPECT_EQ(read(*image, 0, 65536), changed);
    EXPECT_TRUE(file.check().empty()) << file.check().front();
  }
}

class Qcow2Chain : public ::testing::Test {
 protected:
  std::string base(char letter, std::size_t size) {
    auto const path = folder_.path() + "/base";
    std::ofstream(path) << std::string(size, letter);
    return path;
  }
  os::TemporaryFolder folder_ = std::move(os::TemporaryFolder::create("qcow2-test").value());
};

TEST_F(Qcow2Chain, ReadsFromBelowWhatItDoesNotHave) {
  ImageFile file({.size = 1 << 20, .backing_file = base('b', 100 * 1024), .backing_format = "raw"});
  auto image = std::move(open(file).value());
  EXPECT_EQ(read(*image, 0, 512), std::string(512, 'b'));
  EXPECT_EQ(read(*image, 100 * 1024 - 512, 1024), std::string(512, 'b') + std::string(512, '\0'));
  write(*image, 512, std::string(512, 'x'));
  EXPECT_EQ(read(*image, 0, 1536),
            std::string(512, 'b') + std::string(512, 'x') + std::string(512, 'b'));
  EXPECT_TRUE(image->discard(0, 65536));
  EXPECT_EQ(read(*image, 0, 512), std::string(512, '\0'));
  EXPECT_TRUE(image->write_zeroes(65536, 512, BlockImage::Unmap::Yes));
  EXPECT_EQ(read(*image, 65536, 1024), std::string(512, '\0') + std::string(512, 'b'));
  EXPECT_TRUE(file.check().empty()) << file.check().front();
}

TEST_F(Qcow2Chain, ReadsThroughSeveralImages) {
  ImageFile below({.cluster_bits = 12,
                   .size = 64 * 1024,
                   .backing_file = base('b', 32 * 1024),
                   .backing_format = "raw"});
  {
    write(**open(below), 4096, std::string(512, 'm'));
  }
  ImageFile file({.size = 64 * 1024, .backing_file = below.path(), .backing_format = "qcow2"});
  auto image = std::move(open(file).value());
  write(*image, 1024, std::string(512, 't'));
  EXPECT_EQ(read(*image, 0, 512), std::string(512, 'b'));
  EXPECT_EQ(read(*image, 1024, 512), std::string(512, 't'));
  EXPECT_EQ(read(*image, 4096, 1024), std::string(512, 'm') + std::string(512, 'b'));
  EXPECT_EQ(read(*image, 40 * 1024, 512), std::string(512, '\0'));
}

TEST_F(Qcow2Chain, EndsWithItsSixteenthImage) {
  // Its own backing file: a circle.
  auto const path = folder_.path() + "/circle";
  ImageFile file({.size = 512, .backing_file = path, .backing_format = "qcow2"});
  std::string bytes(file.end(), '\0');
  ASSERT_EQ(::pread(file.file(), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  std::ofstream(path) << bytes;
  auto const image = open_image(path, Image::Access::ReadOnly, Backing::Allow);
  ASSERT_FALSE(image);
  EXPECT_NE(image.error().message.find("more than 16 images"), std::string::npos);
}

TEST_F(Qcow2Chain, IsReadOnlyIfItWasAllowedAndSaysItsFormat) {
  struct Case {
    std::string name, format;
    Backing backing;
    char const* words;
  };
  Case const cases[] = {
      {base('b', 512), "raw", Backing::Refuse, "allow_backing_file"},
      {base('b', 512), "", Backing::Allow, "qemu-img rebase"},
      {base('b', 512), "vmdk", Backing::Allow, "format vmdk"},
      {"nbd://host/export", "raw", Backing::Allow, "not a file"},
      {"json:{\"driver\":\"nbd\"}", "raw", Backing::Allow, "not a file"},
      {"missing", "raw", Backing::Allow, "No such file"},
  };
  for (auto const& c : cases) {
    ImageFile file({.size = 512, .backing_file = c.name, .backing_format = c.format});
    auto const image = open_image(file.path(), Image::Access::ReadOnly, c.backing);
    ASSERT_FALSE(image) << c.name;
    EXPECT_NE(image.error().message.find(c.words), std::string::npos) << image.error().message;
  }
}

TEST(Qcow2, SaysWhatItDoesNotTake) {
  struct Case {
    std::uint64_t offset, value;
    std::size_t size;
    char const* words;
  };
  constexpr Case kCases[] = {
      {0, 0, 4, "not a qcow2 image"},
      {4, 4, 4, "version 4"},
      {20, 8, 4, "clusters of 2^8"},
      {20, 22, 4, "clusters of 2^22"},
      {24, 1ULL << 60, 8, "a size of"},
      {32, 2, 4, "encryption"},
      {36, 0, 4, "an L1 table of 0 entries"},
      {36, 1 << 30, 4, "an L1 table of"},
      {40, 12345, 8, "an L1 table at"},
      {40, 1ULL << 55, 8, "a cluster at"},
      {48, 1, 8, "a refcount table at"},
      {48, 1ULL << 55, 8, "the refcount table is beyond"},
      {56, 0, 4, "a refcount table of 0"},
      {56, 1 << 20, 4, "a refcount table of"},
      {60, 1, 4, "1 internal snapshots"},
      {72, 1, 8, "not closed cleanly"},
      {72, 2, 8, "marked corrupt"},
      {72, 4, 8, "external data file"},
      {72, 16, 8, "extended L2"},
      {72, 64, 8, "unknown features 0x40"},
      {96, 7, 4, "refcount order 7"},
      {96, 5, 4, "counts of 32 bits"},
      {100, 0, 4, "a header of 0 bytes"},
      {65536, 1ULL << 55, 8, "a refcount block at"},
  };
  for (auto const& c : kCases) {
    ImageFile file({.size = 1 << 20});
    file.put(c.offset, c.value, c.size);
    auto const image = open(file);
    ASSERT_FALSE(image) << c.words;
    EXPECT_NE(image.error().message.find(c.words), std::string::npos) << image.error().message;
  }
}

TEST(Qcow2, DoesNotFollowTablesOutOfTheFile) {
  for (std::uint64_t const place : {1ULL << 40, 1ULL << 55, 0x10200ULL}) {
    ImageFile file({.size = 1 << 20});
    file.put(3 * 65536, place | 1ULL << 63, 8);
    auto image = std::move(open(file).value());
    std::byte bytes[512]{};
    Segment const part{.address = {}, .bytes = bytes};
    EXPECT_FALSE(image->read(0, std::span(&part, 1)));
    EXPECT_FALSE(image->write(0, std::span(&part, 1)));
    EXPECT_EQ(file.end(), 4u * 65536);
  }
}

TEST(Qcow2, BelongsToOneWriterOrManyReaders) {
  ImageFile file({.size = 1 << 20});
  auto reader = open(file, Image::Access::ReadOnly);
  EXPECT_TRUE(open(file, Image::Access::ReadOnly));
  auto const second = open(file);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::Busy);
}

}  // namespace
}  // namespace bh::vmm::virtio::qcow2
