#include <zlib.h>

#include <limits>

#include "vmm/boot/decompress/codecs.h"

namespace bh::vmm::boot {

namespace {

// zlib: 16 on top of the window size asks for a gzip header and trailer.
constexpr int kGzipWindow = 16 + MAX_WBITS;

struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipWindow) == Z_OK;

  Inflater() = default;
  Inflater(Inflater const&) = delete;
  Inflater& operator=(Inflater const&) = delete;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

}  // namespace

Result<std::size_t> decode_gzip(std::span<std::byte const> payload, std::span<std::byte> out) {
  // zlib counts in unsigned int.
  constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
  if (payload.size() > kMost || out.size() > kMost) return fail(Errc::Invalid, "larger than 4 GiB");
  Inflater inflater;
  if (!inflater.ready) return fail(Errc::Io, "inflateInit2: out of memory");

  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int const status = inflate(&stream, Z_FINISH);
  if (status == Z_STREAM_END) return stream.total_out;
  if (stream.avail_out == 0) return fail(Errc::Corrupt, "more data than the image promises");
  return fail(Errc::Corrupt, stream.msg != nullptr ? stream.msg : "the stream ends early");
}

}  // namespace bh::vmm::boot
