#include "init/frames.h"

#include <charconv>
#include <cstdint>
#include <cstring>

namespace bh::init {

namespace {

using namespace machine::wire;

constexpr int kByteBits = 8;

unsigned byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

}  // namespace

std::size_t FrameBuffer::length() const {
  std::size_t length = 0;
  for (std::size_t i = kHeaderBytes - 1; i > 0; --i) {
    length = length << kByteBits | static_cast<std::uint8_t>(bytes_[i]);
  }
  return length;
}

bool FrameBuffer::broken() const {
  return used_ >= kHeaderBytes && length() > kPayloadLimit;
}

std::optional<FrameBuffer::Frame> FrameBuffer::frame() const {
  if (used_ < kHeaderBytes || broken() || used_ - kHeaderBytes < length()) return std::nullopt;
  return Frame{.type = static_cast<FrameType>(bytes_[0]),
               .payload = {bytes_.data() + kHeaderBytes, length()}};
}

void FrameBuffer::drop_frame() {
  auto const size = kHeaderBytes + length();
  used_ -= size;
  std::memmove(bytes_.data(), bytes_.data() + size, used_);
}

void write_header(char* out, FrameType type, std::size_t length) {
  out[0] = static_cast<char>(type);
  for (std::size_t i = 1; i < kHeaderBytes; ++i) {
    out[i] = static_cast<char>(length & 0xff);
    length >>= kByteBits;
  }
}

std::optional<Size> parse_size(std::string_view payload) {
  if (payload.size() != 4) return std::nullopt;
  auto const number = [&](std::size_t at) {
    return static_cast<unsigned short>(byte_at(payload, at) | byte_at(payload, at + 1)
                                                                  << kByteBits);
  };
  return Size{.rows = number(0), .columns = number(2)};
}

std::optional<Size> parse_size_text(std::string_view text) {
  Size size;
  auto const* const end = text.data() + text.size();
  auto const rows = std::from_chars(text.data(), end, size.rows);
  if (rows.ec != std::errc() || rows.ptr == end || *rows.ptr != 'x') return std::nullopt;
  auto const columns = std::from_chars(rows.ptr + 1, end, size.columns);
  if (columns.ec != std::errc() || columns.ptr != end) return std::nullopt;
  return size;
}

}  // namespace bh::init
