#include "machine/wire/frame.h"

namespace bh::machine::wire {

namespace {

constexpr int kByteBits = 8;

std::uint8_t byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

}  // namespace

std::string encode(FrameType type, std::string_view payload) {
  std::string frame(1, static_cast<char>(type));
  auto length = static_cast<std::uint32_t>(payload.size());
  for (std::size_t i = 1; i < kHeaderBytes; ++i) {
    frame += static_cast<char>(length & 0xff);
    length >>= kByteBits;
  }
  return frame.append(payload);
}

std::string encode(WindowSize size) {
  std::string payload;
  for (auto const number : {size.rows, size.columns}) {
    payload += static_cast<char>(number & 0xff);
    payload += static_cast<char>(number >> kByteBits);
  }
  return encode(FrameType::Resize, payload);
}

std::optional<WindowSize> decode_size(std::string_view payload) {
  if (payload.size() != 4) return std::nullopt;
  auto const number = [&](std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(payload, at) | byte_at(payload, at + 1) << kByteBits);
  };
  return WindowSize{.rows = number(0), .columns = number(2)};
}

std::optional<int> decode_byte(std::string_view payload) {
  if (payload.size() != 1) return std::nullopt;
  return byte_at(payload, 0);
}

Result<std::optional<Frame>> FrameReader::next() {
  if (bytes_.size() < kHeaderBytes) return std::nullopt;
  std::uint32_t length = 0;
  for (std::size_t i = kHeaderBytes - 1; i > 0; --i)
    length = length << kByteBits | byte_at(bytes_, i);
  auto const type = byte_at(bytes_, 0);
  bool const known = type >= static_cast<std::uint8_t>(FrameType::Request) &&
                     type <= static_cast<std::uint8_t>(FrameType::Exit);
  if (!known || length > kPayloadLimit) {
    return fail(Errc::Corrupt, "the other side says what is no frame");
  }
  if (bytes_.size() - kHeaderBytes < length) return std::nullopt;
  Frame frame{.type = static_cast<FrameType>(type), .payload = bytes_.substr(kHeaderBytes, length)};
  bytes_.erase(0, kHeaderBytes + length);
  return frame;
}

}  // namespace bh::machine::wire
