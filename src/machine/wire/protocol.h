#pragma once

#include <cstddef>
#include <cstdint>

// What sessions say, between a client and a supervisor as well as between a supervisor and
// bulkhead-init (docs/design/machines.md). Plain constants: bulkhead-init includes this file.

namespace bh::machine::wire {

/// A frame is its type, the length of its payload (32 bits, little endian), and the payload.
enum class FrameType : std::uint8_t {
  Request = 1,      // First from who connects: what it wants.
  Answer = 2,       // Before anything else from the other side.
  Input = 3,        // Bytes for standard input; of length 0: its end.
  Output = 4,       // Bytes of standard output, or of the terminal.
  ErrorOutput = 5,  // Bytes of standard error.
  Resize = 6,       // Rows and columns, 16 bits each, little endian.
  Signal = 7,       // One byte.
  Exit = 8,         // The exit status, one byte. The last.
};

inline constexpr std::size_t kHeaderBytes = 5;
/// Neither side keeps more than this of what the other has not finished to say.
inline constexpr std::size_t kPayloadLimit = std::size_t{64} * 1024;

/// Where bulkhead-init listens for sessions, and which port of the host it calls for the one of
/// the machine's command. Above those that need privileges.
inline constexpr std::uint32_t kGuestPort = 45'085;
inline constexpr std::uint32_t kHostPort = 45'086;
/// Where the host takes the layer that a build's command has made.
inline constexpr std::uint32_t kLayerPort = 45'087;

}  // namespace bh::machine::wire
