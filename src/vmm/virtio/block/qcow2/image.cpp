#include "vmm/virtio/block/qcow2/image.h"

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "vmm/virtio/block/qcow2/decompress.h"
#include "vmm/virtio/block/qcow2/table_cache.h"
#include "vmm/virtio/block/transfer.h"

namespace bh::vmm::virtio::qcow2 {

namespace {

constexpr unsigned kRefcountOrder = 4;

void fill_zero(std::span<Segment const> into) {
  for (auto const& part : into) std::ranges::fill(part.bytes, std::byte{0});
}

/// Calls `each(cluster, skip, size)` for the part of every cluster that a range touches.
template <typename Each>
Result<> for_each_cluster(unsigned cluster_bits, std::uint64_t offset, std::uint64_t size,
                          Each&& each) {
  std::uint64_t const cluster_size = std::uint64_t{1} << cluster_bits;
  while (size != 0) {
    std::uint64_t const skip = offset % cluster_size;
    std::uint64_t const count = std::min(size, cluster_size - skip);
    BH_TRY(each(offset >> cluster_bits, skip, count));
    offset += count;
    size -= count;
  }
  return {};
}

Result<> check_writable(Header const& header) {
  if (header.snapshots != 0) {
    return fail(Errc::Unsupported,
                fmt::format("qcow2: writing to an image with {} internal snapshots: not supported; "
                            "make it read-only, use an overlay, or delete the snapshots",
                            header.snapshots));
  }
  if (header.refcount_order != kRefcountOrder) {
    return fail(Errc::Unsupported, fmt::format("qcow2: writing with counts of {} bits: not "
                                               "supported, only of 16; use an overlay",
                                               1U << header.refcount_order));
  }
  return {};
}

Result<> lock(os::UniqueFd const& file, Image::Access access) {
  int const how = access == Image::Access::ReadWrite ? LOCK_EX : LOCK_SH;
  if (::flock(file.get(), how | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fail_errno("flock", errno);
  return fail(Errc::Busy, "qcow2: another machine uses the image; give each an overlay of its own");
}

}  // namespace

Result<std::unique_ptr<Image>> Image::open(os::UniqueFd file, Header const& header, Access access,
                                           std::unique_ptr<BlockImage> below) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat", errno);
  BH_TRY(lock(file, access));
  auto map = BH_TRY(ClusterMap::load(file.get(), header));
  auto serial = fmt::format("{}{}{}", info.st_dev, info.st_rdev, info.st_ino);
  serial.resize(std::min<std::size_t>(serial.size(), 20));
  std::unique_ptr<Image> image(
      new Image(std::move(file), header, std::move(serial), std::move(map), std::move(below)));
  image->cluster_.resize(header.cluster_size());
  if (access == Access::ReadOnly) return image;
  BH_TRY(check_writable(header));
  auto refcounts = BH_TRY(Refcounts::load(image->file_.get(), header));
  image->refcounts_.emplace(std::move(refcounts));
  if (header.autoclear) {
    // What these bits promise (bitmaps that are up to date, say) ends with the first write.
    BH_TRY(write_bytes(image->file_.get(), Header::kAutoclearField, std::array<std::byte, 8>{}));
  }
  return image;
}

Result<> Image::read(std::uint64_t offset, std::span<Segment const> into) {
  ChainReader parts(into);
  std::vector<Segment> part;
  return for_each_cluster(header_.cluster_bits, offset, total_size(into),
                          [&](std::uint64_t cluster, std::uint64_t skip, std::uint64_t count) {
                            part.clear();
                            parts.take(count, part);
                            return read_cluster(cluster, skip, part);
                          });
}

Result<> Image::read_cluster(std::uint64_t cluster, std::uint64_t skip,
                             std::span<Segment const> into) {
  auto const mapping = BH_TRY(map_.find(cluster));
  switch (mapping.kind) {
    case Mapping::Kind::Below: return read_below((cluster << header_.cluster_bits) + skip, into);
    case Mapping::Kind::Zero: fill_zero(into); return {};
    case Mapping::Kind::Data:
      return transfer(file_.get(), Direction::Read, mapping.offset + skip, into);
    case Mapping::Kind::Compressed: break;
  }
  BH_TRY(read_compressed(mapping));
  std::size_t at = skip;
  for (auto const& part : into) {
    std::memcpy(part.bytes.data(), cluster_.data() + at, part.bytes.size());
    at += part.bytes.size();
  }
  return {};
}

/// Into cluster_, unless it is there from the last time.
Result<> Image::read_compressed(Mapping const& mapping) {
  if (compressed_at_ == mapping.offset) return {};
  compressed_at_ = 0;
  std::vector<std::byte> compressed(mapping.size);
  BH_TRY(read_bytes(file_.get(), mapping.offset, compressed));
  BH_TRY(decompress(header_.compression, compressed, cluster_));
  compressed_at_ = mapping.offset;
  return {};
}

Result<> Image::read_below(std::uint64_t offset, std::span<Segment const> into) {
  std::uint64_t const size = total_size(into);
  std::uint64_t const end = below_ == nullptr ? 0 : below_->size();
  std::uint64_t const there = offset < end ? std::min(size, end - offset) : 0;
  ChainReader parts(into);
  std::vector<Segment> part;
  parts.take(there, part);
  if (there != 0) BH_TRY(below_->read(offset, part));
  part.clear();
  parts.take(size - there, part);
  fill_zero(part);
  return {};
}

Result<> Image::write(std::uint64_t offset, std::span<Segment const> from) {
  ChainReader parts(from);
  std::vector<Segment> part;
  return for_each_cluster(header_.cluster_bits, offset, total_size(from),
                          [&](std::uint64_t cluster, std::uint64_t skip, std::uint64_t count) {
                            part.clear();
                            parts.take(count, part);
                            return write_cluster(cluster, skip, part);
                          });
}

Result<> Image::write_cluster(std::uint64_t cluster, std::uint64_t skip,
                              std::span<Segment const> from) {
  auto const mapping = BH_TRY(map_.find(cluster));
  if (mapping.kind == Mapping::Kind::Data && mapping.own) {
    return transfer(file_.get(), Direction::Write, mapping.offset + skip, from);
  }
  std::uint64_t const size = total_size(from);
  auto const place = BH_TRY(refcounts_->allocate());
  if (size == header_.cluster_size()) {
    BH_TRY(transfer(file_.get(), Direction::Write, place, from));
  } else {
    // The rest of the cluster comes from where it was.
    Segment const whole{.address = {}, .bytes = cluster_};
    if (mapping.kind == Mapping::Kind::Compressed) {
      BH_TRY(read_compressed(mapping));
    } else {
      compressed_at_ = 0;
      BH_TRY(read_cluster(cluster, 0, std::span(&whole, 1)));
    }
    compressed_at_ = 0;
    ChainReader bytes(from);
    bytes.read(std::span(cluster_).subspan(skip, size));
    BH_TRY(transfer(file_.get(), Direction::Write, place, std::span(&whole, 1)));
  }
  compressed_at_ = 0;
  return map_.set_data(cluster, place, *refcounts_);
}

Result<> Image::flush() {
  if (::fdatasync(file_.get()) != 0) return fail_errno("fdatasync", errno);
  return {};
}

Result<> Image::write_zeroes(std::uint64_t offset, std::uint64_t size, Unmap /*unmap*/) {
  static std::array<std::byte, 65536> zeros{};
  // Version 2 has no way to say "zeros here" where there is something below.
  bool const can_clear = header_.version >= 3 || below_ == nullptr;
  return for_each_cluster(
      header_.cluster_bits, offset, size,
      [&](std::uint64_t cluster, std::uint64_t skip, std::uint64_t count) -> Result<> {
        bool const whole = count == header_.cluster_size();
        auto const mapping = BH_TRY(map_.find(cluster));
        bool const zero = mapping.kind == Mapping::Kind::Zero ||
                          (mapping.kind == Mapping::Kind::Below && below_ == nullptr);
        if (zero) return {};
        if (whole && can_clear) return clear_clusters(cluster, 1);
        for (std::uint64_t done = 0; done < count;) {
          auto const piece = std::min<std::uint64_t>(count - done, zeros.size());
          Segment const part{.address = {}, .bytes = std::span(zeros).first(piece)};
          BH_TRY(write_cluster(cluster, skip + done, std::span(&part, 1)));
          done += piece;
        }
        return {};
      });
}

Result<> Image::clear_clusters(std::uint64_t first, std::uint64_t count) {
  auto const kind = below_ == nullptr ? Mapping::Kind::Below : Mapping::Kind::Zero;
  compressed_at_ = 0;
  for (auto cluster = first; cluster < first + count; ++cluster) {
    BH_TRY(map_.set_none(cluster, kind, *refcounts_));
  }
  return {};
}

Result<> Image::discard(std::uint64_t offset, std::uint64_t size) {
  // What cannot be given back keeps its bytes, which is as good.
  if (header_.version < 3 && below_ != nullptr) return {};
  return for_each_cluster(
      header_.cluster_bits, offset, size,
      [&](std::uint64_t cluster, std::uint64_t /*skip*/, std::uint64_t count) -> Result<> {
        if (count != header_.cluster_size()) return {};
        auto const mapping = BH_TRY(map_.find(cluster));
        bool const there =
            mapping.kind == Mapping::Kind::Data || mapping.kind == Mapping::Kind::Compressed;
        return there ? clear_clusters(cluster, 1) : Result<>();
      });
}

}  // namespace bh::vmm::virtio::qcow2
