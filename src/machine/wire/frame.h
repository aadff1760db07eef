#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "machine/wire/protocol.h"

namespace bh::machine::wire {

struct Frame {
  FrameType type = FrameType::Request;
  std::string payload;
};

/// `payload` has at most kPayloadLimit bytes.
std::string encode(FrameType type, std::string_view payload = {});

struct WindowSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
};
std::string encode(WindowSize size);
/// Nothing if it is none.
std::optional<WindowSize> decode_size(std::string_view payload);
/// The one byte of Signal and Exit; nothing if it is none.
std::optional<int> decode_byte(std::string_view payload);

/// Finds frames in a stream of bytes that nobody vouches for.
class FrameReader {
 public:
  void add(std::string_view bytes) { bytes_ += bytes; }
  /// Nothing while it is not complete; Errc::Corrupt if it is no frame, and then for ever.
  Result<std::optional<Frame>> next();

 private:
  std::string bytes_;
};

}  // namespace bh::machine::wire
