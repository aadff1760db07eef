#include "vmm/virtio/block/request.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "vmm/virtio/block/layout.h"

namespace bh::vmm::virtio {

namespace {

/// One request with its header copied out of the guest's reach.
class Execution {
 public:
  enum class Mode : std::uint8_t { Now, Defer };

  Execution(Chain const& chain, BlockTarget target, Mode mode)
      : target_(target),
        mode_(mode),
        input_(chain.readable),
        output_(target.memory, chain.writable) {}

  std::uint32_t run() {
    if (output_.left() == 0) {
      target_.metrics.invalid_reqs.add();
      return 0;
    }
    auto const header = input_.read_object<BlockHeader>();
    std::uint8_t const status = header ? dispatch(*header) : invalid();
    if (deferred_) return 0;
    // The status is the last byte of the chain, whatever was filled before it.
    output_.skip(output_.left() - 1);
    output_.write_object(status);
    return moved_ + 1;
  }
  std::optional<DeferredBlock>& deferred() { return deferred_; }

 private:
  std::uint8_t defer(std::uint32_t type, std::uint64_t sector, std::vector<Segment> parts) {
    DeferredBlock request{.type = type,
                          .offset = sector * kSectorSize,
                          .size = total_size(parts),
                          .parts = std::move(parts),
                          .status = {}};
    output_.skip(output_.left() - 1);
    output_.take(1, request.status);
    deferred_ = std::move(request);
    return kBlockOk;
  }

  std::uint8_t dispatch(BlockHeader const& header) {
    switch (header.type) {
      case kBlockIn: return read(header.sector);
      case kBlockOut: return write(header.sector);
      case kBlockFlushRequest: return flush();
      case kBlockGetId: return identify();
      case kBlockDiscardRequest:
      case kBlockWriteZeroesRequest: return clear(header.type);
      default: target_.metrics.invalid_reqs.add(); return kBlockUnsupported;
    }
  }

  std::uint8_t read(std::uint64_t sector) {
    std::uint32_t const size = output_.left() - 1;
    if (!fits(sector, size)) return invalid();
    std::vector<Segment> parts;
    output_.take(size, parts);
    if (mode_ == Mode::Defer && size != 0) return defer(kBlockIn, sector, std::move(parts));
    if (!target_.image.read(sector * kSectorSize, parts)) return failed();
    for (auto const& part : parts) target_.memory.note_write(part.address, part.bytes.size());
    moved_ = size;
    target_.metrics.read_count.add();
    target_.metrics.read_bytes.add(size);
    return kBlockOk;
  }

  std::uint8_t write(std::uint64_t sector) {
    std::uint32_t const size = input_.left();
    if (target_.read_only || !fits(sector, size)) return invalid();
    std::vector<Segment> parts;
    input_.take(size, parts);
    if (mode_ == Mode::Defer && size != 0) return defer(kBlockOut, sector, std::move(parts));
    if (!target_.image.write(sector * kSectorSize, parts)) return failed();
    target_.metrics.write_count.add();
    target_.metrics.write_bytes.add(size);
    return kBlockOk;
  }

  std::uint8_t flush() {
    if (mode_ == Mode::Defer) return defer(kBlockFlushRequest, 0, {});
    target_.metrics.flush_count.add();
    return target_.image.flush() ? kBlockOk : failed();
  }

  std::uint8_t identify() {
    std::array<char, kBlockIdSize> id{};
    auto const serial = target_.image.serial();
    std::ranges::copy(serial.substr(0, id.size()), id.begin());
    if (output_.left() < id.size() + 1) return invalid();
    output_.write(std::as_bytes(std::span(id)));
    moved_ = kBlockIdSize;
    return kBlockOk;
  }

  std::uint8_t clear(std::uint32_t type) {
    std::uint32_t const count = input_.left() / sizeof(BlockRange);
    if (target_.read_only || count == 0 || count > kMaxRanges ||
        input_.left() % sizeof(BlockRange) != 0) {
      return invalid();
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      auto const range = input_.read_object<BlockRange>();
      if (!range) return invalid();
      if (auto const status = clear_range(type, *range); status != kBlockOk) return status;
    }
    target_.metrics.discard_count.add();
    return kBlockOk;
  }

  std::uint8_t clear_range(std::uint32_t type, BlockRange const& range) {
    // 5.2.6.2: unknown flags, and unmap for a discard, are not supported.
    bool const zeroes = type == kBlockWriteZeroesRequest;
    if ((range.flags & ~(zeroes ? kBlockRangeUnmap : 0)) != 0) return kBlockUnsupported;
    std::uint64_t const size = std::uint64_t{range.num_sectors} * kSectorSize;
    if (range.num_sectors > kMaxRangeSectors || !fits(range.sector, size)) return invalid();
    if (size == 0) return kBlockOk;
    std::uint64_t const offset = range.sector * kSectorSize;
    auto const unmap =
        (range.flags & kBlockRangeUnmap) != 0 ? BlockImage::Unmap::Yes : BlockImage::Unmap::No;
    auto const done = zeroes ? target_.image.write_zeroes(offset, size, unmap)
                             : target_.image.discard(offset, size);
    return done ? kBlockOk : failed();
  }

  bool fits(std::uint64_t sector, std::uint64_t size) const {
    std::uint64_t const sectors = target_.image.size() / kSectorSize;
    return size % kSectorSize == 0 && sector <= sectors && size / kSectorSize <= sectors - sector;
  }
  std::uint8_t invalid() {
    target_.metrics.invalid_reqs.add();
    return kBlockIoError;
  }
  std::uint8_t failed() {
    target_.metrics.execute_fails.add();
    return kBlockIoError;
  }

  BlockTarget target_;
  Mode const mode_;
  ChainReader input_;
  ChainWriter output_;
  std::uint32_t moved_ = 0;
  std::optional<DeferredBlock> deferred_;
};

}  // namespace

std::uint64_t bytes_moved(Chain const& chain) {
  std::uint64_t const all = std::uint64_t{total_size(chain.readable)} + total_size(chain.writable);
  std::uint64_t const around = sizeof(BlockHeader) + 1;
  return all > around ? all - around : 0;
}

std::uint32_t execute(Chain const& chain, BlockTarget target) {
  return Execution(chain, target, Execution::Mode::Now).run();
}

std::variant<std::uint32_t, DeferredBlock> begin(Chain const& chain, BlockTarget target) {
  Execution execution(chain, target, Execution::Mode::Defer);
  auto const written = execution.run();
  if (execution.deferred()) return *std::move(execution.deferred());
  return written;
}

std::uint32_t finish(DeferredBlock const& request, bool ok, BlockTarget target) {
  bool const read = request.type == kBlockIn;
  auto& metrics = target.metrics;
  if (!ok) {
    metrics.execute_fails.add();
  } else if (read) {
    for (auto const& part : request.parts) {
      target.memory.note_write(part.address, part.bytes.size());
    }
    metrics.read_count.add();
    metrics.read_bytes.add(request.size);
  } else if (request.type == kBlockOut) {
    metrics.write_count.add();
    metrics.write_bytes.add(request.size);
  } else {
    metrics.flush_count.add();
  }
  ChainWriter status(target.memory, request.status);
  status.write_object(ok ? kBlockOk : kBlockIoError);
  return (ok && read ? request.size : 0) + 1;
}

}  // namespace bh::vmm::virtio
