#include "vmm/boot/testing/packers.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace bh::vmm::boot {

namespace {

void require(bool condition) {
  if (!condition) std::abort();  // A packer that fails is a broken test machine.
}

void put(Packed& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift));
}

}  // namespace

Packed pack_gzip(std::span<std::byte const> data) {
  z_stream stream{};
  require(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Packed out(deflateBound(&stream, data.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Packed pack_xz(std::span<std::byte const> data, XzCheck check) {
  lzma_options_lzma options{};
  require(lzma_lzma_preset(&options, 1) == 0);
  lzma_filter const filters[] = {
      {LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  Packed out(lzma_stream_buffer_bound(data.size()));
  std::size_t size = 0;
  require(lzma_stream_buffer_encode(const_cast<lzma_filter*>(filters),
                                    check == XzCheck::None ? LZMA_CHECK_NONE : LZMA_CHECK_CRC32,
                                    nullptr, reinterpret_cast<std::uint8_t const*>(data.data()),
                                    data.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size,
                                    out.size()) == LZMA_OK);
  out.resize(size);
  return out;
}

Packed pack_zstd(std::span<std::byte const> data) {
  Packed out(ZSTD_compressBound(data.size()));
  std::size_t const size = ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3);
  require(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

Packed pack_lz4(std::span<std::byte const> data) {
  constexpr std::size_t kBlock = 8u << 20;
  Packed out;
  put(out, 0x184c2102);
  while (!data.empty()) {
    auto const block = data.first(std::min(kBlock, data.size()));
    data = data.subspan(block.size());
    Packed packed(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(block.size()))));
    int const size = LZ4_compress_default(
        reinterpret_cast<char const*>(block.data()), reinterpret_cast<char*>(packed.data()),
        static_cast<int>(block.size()), static_cast<int>(packed.size()));
    require(size > 0);
    put(out, static_cast<std::uint32_t>(size));
    out.insert(out.end(), packed.begin(), packed.begin() + size);
  }
  return out;
}

}  // namespace bh::vmm::boot
