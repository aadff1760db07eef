#include "vmm/virtio/block/transfer.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace bh::vmm::virtio {

namespace {

// What one call takes: pieces of 256 cover every chain Linux makes in one call or two.
constexpr std::size_t kPieces = 256;

}  // namespace

Result<> transfer(int file, Direction direction, std::uint64_t offset,
                  std::span<Segment const> segments) {
  std::size_t skip = 0;  // Bytes of the first segment that are done.
  while (!segments.empty()) {
    std::array<iovec, kPieces> pieces;
    std::size_t const count = std::min(segments.size(), kPieces);
    for (std::size_t i = 0; i < count; ++i) {
      auto const bytes = segments[i].bytes.subspan(i == 0 ? skip : 0);
      pieces[i] = {.iov_base = bytes.data(), .iov_len = bytes.size()};
    }
    auto const at = static_cast<off_t>(offset);
    int const number = static_cast<int>(count);
    ssize_t const done = direction == Direction::Read ? ::preadv(file, pieces.data(), number, at)
                                                      : ::pwritev(file, pieces.data(), number, at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail_errno(direction == Direction::Read ? "preadv" : "pwritev", errno);
    std::size_t left = static_cast<std::size_t>(done);
    offset += left;
    while (!segments.empty() && left >= segments.front().bytes.size() - skip) {
      left -= segments.front().bytes.size() - skip;
      segments = segments.subspan(1);
      skip = 0;
    }
    skip += left;
    if (done != 0) continue;
    if (direction == Direction::Write) return fail(Errc::Io, "pwritev: nothing written");
    // The file has shrunk.
    for (auto const& segment : segments) {
      auto const bytes = segment.bytes.subspan(std::exchange(skip, 0));
      std::ranges::fill(bytes, std::byte{0});
    }
    return {};
  }
  return {};
}

Result<> write_zero_bytes(int file, std::uint64_t offset, std::uint64_t size) {
  static std::array<std::byte, 65536> zeros{};
  while (size != 0) {
    auto const count = std::min<std::uint64_t>(size, zeros.size());
    Segment const piece{.address = {}, .bytes = std::span(zeros).first(count)};
    BH_TRY(transfer(file, Direction::Write, offset, std::span(&piece, 1)));
    offset += count;
    size -= count;
  }
  return {};
}

}  // namespace bh::vmm::virtio
