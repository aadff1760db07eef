#include "vmm/virtio/block/qcow2/decompress.h"

#include <zlib.h>
#include <zstd.h>

namespace bh::vmm::virtio::qcow2 {

namespace {

// A stream without zlib's header, whose window is as large as any writer makes it.
constexpr int kRawWindowBits = -15;

std::unexpected<Error> corrupt() {
  return fail(Errc::Corrupt, "qcow2: a compressed cluster cannot be decompressed");
}

Result<> decompress_zlib(std::span<std::byte const> in, std::span<std::byte> out) {
  z_stream stream{};
  if (::inflateInit2(&stream, kRawWindowBits) != Z_OK) return fail(Errc::Io, "qcow2: inflateInit");
  // zlib only reads what next_in names.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int const result = ::inflate(&stream, Z_FINISH);
  auto const left = stream.avail_out;
  ::inflateEnd(&stream);
  // Z_BUF_ERROR: there is more, which is not ours.
  if (left != 0 || (result != Z_STREAM_END && result != Z_BUF_ERROR)) return corrupt();
  return {};
}

Result<> decompress_zstd(std::span<std::byte const> in, std::span<std::byte> out) {
  auto* const stream = ::ZSTD_createDStream();
  if (stream == nullptr) return fail(Errc::Io, "qcow2: ZSTD_createDStream");
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  while (output.pos < output.size) {
    auto const before = input.pos + output.pos;
    auto const result = ::ZSTD_decompressStream(stream, &output, &input);
    if (::ZSTD_isError(result) != 0U || input.pos + output.pos == before) break;
  }
  ::ZSTD_freeDStream(stream);
  return output.pos == output.size ? Result<>() : corrupt();
}

}  // namespace

Result<> decompress(Header::Compression compression, std::span<std::byte const> in,
                    std::span<std::byte> out) {
  return compression == Header::Compression::Zstd ? decompress_zstd(in, out)
                                                  : decompress_zlib(in, out);
}

}  // namespace bh::vmm::virtio::qcow2
