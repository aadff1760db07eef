#include "vmm/virtio/chain.h"

#include <algorithm>
#include <cstring>

namespace bh::vmm::virtio {

std::uint32_t total_size(std::span<Segment const> segments) {
  std::uint32_t total = 0;
  for (auto const& segment : segments) total += static_cast<std::uint32_t>(segment.bytes.size());
  return total;
}

std::uint32_t ChainReader::left() const {
  return total_size(segments_) - static_cast<std::uint32_t>(offset_);
}

std::size_t ChainReader::read(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size() && !segments_.empty()) {
    auto const bytes = segments_.front().bytes.subspan(offset_);
    std::size_t const count = std::min(bytes.size(), out.size() - done);
    if (count != 0) std::memcpy(out.data() + done, bytes.data(), count);
    done += count;
    skip(count);
  }
  return done;
}

void ChainReader::skip(std::size_t bytes) {
  while (!segments_.empty()) {
    std::size_t const here = segments_.front().bytes.size() - offset_;
    if (bytes < here) {
      offset_ += bytes;
      return;
    }
    bytes -= here;
    segments_ = segments_.subspan(1);
    offset_ = 0;
  }
}

void ChainReader::take(std::size_t most, std::vector<Segment>& out) {
  while (most != 0 && !segments_.empty()) {
    auto const& front = segments_.front();
    auto const bytes = front.bytes.subspan(offset_, std::min(most, front.bytes.size() - offset_));
    if (!bytes.empty()) out.push_back({.address = front.address + offset_, .bytes = bytes});
    most -= bytes.size();
    skip(bytes.size());
  }
}

std::size_t ChainWriter::write(std::span<std::byte const> data) {
  std::size_t done = 0;
  while (done < data.size() && !segments_.empty()) {
    auto const& front = segments_.front();
    auto const bytes = front.bytes.subspan(offset_);
    std::size_t const count = std::min(bytes.size(), data.size() - done);
    if (count != 0) {
      std::memcpy(bytes.data(), data.data() + done, count);
      memory_->note_write(front.address + offset_, count);
    }
    done += count;
    skip(count);
  }
  written_ += static_cast<std::uint32_t>(done);
  return done;
}

}  // namespace bh::vmm::virtio
