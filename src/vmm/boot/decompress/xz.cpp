#include <lzma.h>

#include "vmm/boot/decompress/codecs.h"

namespace bh::vmm::boot {

namespace {

// Kernels are packed with a dictionary of 32 MiB, since Linux 6.9 of 128 MiB: room for one such,
// and none for a header that asks for 4 GiB.
constexpr std::uint64_t kMemoryLimit = 160u << 20;

char const* reason(lzma_ret status) {
  switch (status) {
    case LZMA_BUF_ERROR: return "the stream ends early or is larger than the image promises";
    case LZMA_MEMLIMIT_ERROR: return "the dictionary is larger than any kernel's";
    case LZMA_MEM_ERROR: return "out of memory";
    case LZMA_OPTIONS_ERROR: return "a filter is not supported";
    default: return "the stream is damaged";
  }
}

}  // namespace

// liblzma knows all that the kernel's xz options use: the x86 branch filter, and streams whose
// check is CRC32 or none.
Result<std::size_t> decode_xz(std::span<std::byte const> payload, std::span<std::byte> out) {
  std::uint64_t limit = kMemoryLimit;
  std::size_t read = 0;
  std::size_t written = 0;
  lzma_ret const status = lzma_stream_buffer_decode(
      &limit, 0, nullptr, reinterpret_cast<std::uint8_t const*>(payload.data()), &read,
      payload.size(), reinterpret_cast<std::uint8_t*>(out.data()), &written, out.size());
  if (status == LZMA_OK) return written;
  return fail(status == LZMA_MEM_ERROR ? Errc::Io : Errc::Corrupt, reason(status));
}

}  // namespace bh::vmm::boot
