#include <zstd.h>

#include "vmm/boot/decompress/codecs.h"

namespace bh::vmm::boot {

Result<std::size_t> decode_zstd(std::span<std::byte const> payload, std::span<std::byte> out) {
  // ZSTD_decompress() takes whole frames only, and the image may pad behind the one it has.
  std::size_t const frame = ZSTD_findFrameCompressedSize(payload.data(), payload.size());
  if (ZSTD_isError(frame) != 0) return fail(Errc::Corrupt, ZSTD_getErrorName(frame));
  std::size_t const written = ZSTD_decompress(out.data(), out.size(), payload.data(), frame);
  if (ZSTD_isError(written) != 0) return fail(Errc::Corrupt, ZSTD_getErrorName(written));
  return written;
}

}  // namespace bh::vmm::boot
