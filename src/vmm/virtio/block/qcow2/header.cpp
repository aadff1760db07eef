#include "vmm/virtio/block/qcow2/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace bh::vmm::virtio::qcow2 {

namespace {

constexpr std::uint32_t kMagic = 0x514649fb;  // "QFI\xfb"
constexpr std::size_t kSizeV2 = 72;
constexpr std::size_t kSizeV3 = 104;
constexpr unsigned kSmallestClusterBits = 9;
constexpr unsigned kLargestClusterBits = 21;
constexpr std::uint32_t kLongestBackingName = 1023;
constexpr std::uint32_t kBackingFormatExtension = 0xe2792aca;
// An offset in a file: more would be negative to the host.
constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 56;

std::unexpected<Error> corrupt(std::string words) {
  return fail(Errc::Corrupt, "qcow2: " + std::move(words));
}
std::unexpected<Error> unsupported(std::string_view words) {
  return fail(Errc::Unsupported, fmt::format("qcow2: {}: not supported", words));
}

/// Numbers of the file, which are big-endian; zeros beyond its end.
class Fields {
 public:
  explicit Fields(std::span<std::byte const> bytes) : bytes_(bytes) {}

  std::uint32_t u32(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint64_t u64(std::size_t at) const { return number(at, 8); }
  std::uint8_t u8(std::size_t at) const { return static_cast<std::uint8_t>(number(at, 1)); }
  /// Nothing if it does not lie in the file's beginning.
  std::optional<std::string> text(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    auto const part = bytes_.subspan(at, size);
    return std::string(reinterpret_cast<char const*>(part.data()), part.size());
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::uint64_t number(std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + size; ++i) {
      value = value << 8 | (i < bytes_.size() ? std::to_integer<std::uint64_t>(bytes_[i]) : 0);
    }
    return value;
  }

  std::span<std::byte const> bytes_;
};

struct Feature {
  std::uint64_t bit;
  char const* words;
};
constexpr std::array kRefused{
    Feature{1 << 0,
            "an image that was not closed cleanly (run `qemu-img check -r all` on it first)"},
    Feature{1 << 1, "an image marked corrupt (run `qemu-img check -r all` on it first)"},
    Feature{1 << 2, "an external data file"},
    Feature{1 << 4, "extended L2 entries"},
};
constexpr std::uint64_t kCompressionTypeBit = 1 << 3;

Result<> check_features(std::uint64_t incompatible) {
  for (auto const& feature : kRefused) {
    if ((incompatible & feature.bit) != 0) return unsupported(feature.words);
    incompatible &= ~feature.bit;
  }
  incompatible &= ~kCompressionTypeBit;
  if (incompatible != 0) return unsupported(fmt::format("unknown features {:#x}", incompatible));
  return {};
}

Result<> read_version_3(Fields const& fields, Header& header) {
  auto const incompatible = fields.u64(72);
  BH_TRY(check_features(incompatible));
  header.autoclear = fields.u64(88) != 0;
  header.refcount_order = fields.u32(96);
  if (header.refcount_order > 6) {
    return corrupt(fmt::format("refcount order {}: must be 0 to 6", header.refcount_order));
  }
  auto const length = fields.u32(100);
  if (length < kSizeV3 || length % 8 != 0 || length > header.cluster_size()) {
    return corrupt(fmt::format("a header of {} bytes", length));
  }
  if ((incompatible & kCompressionTypeBit) != 0) {
    if (length <= kSizeV3) return corrupt("no compression type where one is promised");
    auto const type = fields.u8(104);
    if (type > 1) return unsupported(fmt::format("compression type {}", type));
    header.compression = type == 1 ? Header::Compression::Zstd : Header::Compression::Zlib;
  }
  return {};
}

Result<> read_backing_file(Fields const& fields, std::size_t extensions, Header& header) {
  auto const offset = fields.u64(8);
  if (offset == 0) return {};
  auto const size = fields.u32(16);
  if (size == 0 || size > kLongestBackingName || offset > header.cluster_size()) {
    return corrupt(fmt::format("a backing file's name of {} bytes at {}", size, offset));
  }
  auto name = fields.text(offset, size);
  if (!name || name->find('\0') != std::string::npos) return corrupt("the backing file's name");
  header.backing_file = *std::move(name);
  // Extensions lie between header and name: type, size, bytes padded to 8.
  for (std::uint64_t at = extensions; at + 8 <= std::min<std::uint64_t>(offset, fields.size());) {
    auto const type = fields.u32(at);
    auto const length = fields.u32(at + 4);
    if (type == 0) break;
    auto const text = fields.text(at + 8, length);
    if (!text) return corrupt("a header extension beyond the header");
    if (type == kBackingFormatExtension) header.backing_format = *text;
    at += 8 + (std::uint64_t{length} + 7) / 8 * 8;
  }
  return {};
}

Result<> check_tables(Header const& header) {
  auto const cluster = header.cluster_size();
  auto const aligned = [&](std::uint64_t offset) {
    return offset != 0 && offset % cluster == 0 && offset < kMaxOffset;
  };
  if (header.size > kMaxOffset) return corrupt(fmt::format("a size of {} bytes", header.size));
  std::uint64_t const covered = cluster * header.l2_entries();
  std::uint64_t const needed = (header.size + covered - 1) / covered;
  if (header.l1_entries < needed || header.l1_entries > Header::kMaxL1Bytes / 8) {
    return corrupt(
        fmt::format("an L1 table of {} entries for {} bytes", header.l1_entries, header.size));
  }
  if (header.l1_entries != 0 && !aligned(header.l1_offset)) {
    return corrupt(fmt::format("an L1 table at {:#x}", header.l1_offset));
  }
  if (!aligned(header.refcount_table_offset)) {
    return corrupt(fmt::format("a refcount table at {:#x}", header.refcount_table_offset));
  }
  if (header.refcount_table_clusters == 0 ||
      header.refcount_table_clusters > Header::kMaxRefcountTableBytes / cluster) {
    return corrupt(fmt::format("a refcount table of {} clusters", header.refcount_table_clusters));
  }
  return {};
}

}  // namespace

Result<Header> parse_header(std::span<std::byte const> start) {
  Fields const fields(start);
  if (start.size() < kSizeV2 || fields.u32(0) != kMagic) {
    return fail(Errc::Invalid, "not a qcow2 image");
  }
  Header header;
  header.version = fields.u32(4);
  if (header.version != 2 && header.version != 3) {
    return unsupported(fmt::format("version {}", header.version));
  }
  header.cluster_bits = fields.u32(20);
  if (header.cluster_bits < kSmallestClusterBits || header.cluster_bits > kLargestClusterBits) {
    return corrupt(fmt::format("clusters of 2^{} bytes", header.cluster_bits));
  }
  header.size = fields.u64(24);
  if (fields.u32(32) != 0) return unsupported("encryption");
  header.l1_entries = fields.u32(36);
  header.l1_offset = fields.u64(40);
  header.refcount_table_offset = fields.u64(48);
  header.refcount_table_clusters = fields.u32(56);
  header.snapshots = fields.u32(60);
  if (header.version == 3) BH_TRY(read_version_3(fields, header));
  std::size_t const extensions = header.version == 3 ? fields.u32(100) : kSizeV2;
  BH_TRY(read_backing_file(fields, extensions, header));
  BH_TRY(check_tables(header));
  return header;
}

}  // namespace bh::vmm::virtio::qcow2
