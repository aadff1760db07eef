#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "machine/wire/protocol.h"

namespace bh::init {

/// What the host said, a frame at a time, in storage of a fixed size.
class FrameBuffer {
 public:
  struct Frame {
    machine::wire::FrameType type;
    std::string_view payload;  // Valid until drop_frame().
  };

  /// Where to put bytes that come next, and how many may.
  [[nodiscard]] char* free_space() { return bytes_.data() + used_; }
  [[nodiscard]] std::size_t free_bytes() const { return bytes_.size() - used_; }
  void added(std::size_t count) { used_ += count; }

  /// The first frame, once it is complete.
  [[nodiscard]] std::optional<Frame> frame() const;
  /// What is there is no frame, and never will be one.
  [[nodiscard]] bool broken() const;
  /// frame() is another one then.
  void drop_frame();
  /// Of the first frame's payload, once its header is there.
  [[nodiscard]] std::size_t length() const;

 private:
  std::array<char, machine::wire::kHeaderBytes + machine::wire::kPayloadLimit> bytes_{};
  std::size_t used_ = 0;
};

/// Writes a frame's header to `out`, which has kHeaderBytes.
void write_header(char* out, machine::wire::FrameType type, std::size_t length);

/// A window's size of a Resize frame.
struct Size {
  unsigned short rows = 0;
  unsigned short columns = 0;
};
std::optional<Size> parse_size(std::string_view payload);
/// "24x80".
std::optional<Size> parse_size_text(std::string_view text);

}  // namespace bh::init
