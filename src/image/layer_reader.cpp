#include "image/layer_reader.h"

#include <string>

#include "image/layer_pipe.h"
#include "image/limits.h"
#include "image/tar_reader.h"

namespace bh::image {

Result<> read_tar(TarReader& tar, LayerSink& sink) {
  for (std::uint64_t count = 0;; ++count) {
    auto* const raw = BH_TRY(tar.next_entry());
    if (raw == nullptr) return {};
    if (count == kMostEntries) {
      return fail(Errc::Denied, "it has more than " + std::to_string(kMostEntries) + " entries");
    }
    auto const entry = BH_TRY(read_entry(raw));
    if (entry) BH_TRY(sink.take(*entry, tar));
  }
}

Result<Digest> read_layer(std::unique_ptr<ByteSource> blob, std::uint64_t blob_size,
                          LayerSink& sink, std::uint64_t most) {
  auto plain = BH_TRY(decompressed(std::move(blob)));
  LayerPipe pipe(std::move(plain), blob_size, most);
  auto const tar = BH_TRY(TarReader::open([&pipe] { return pipe.next(); }));
  BH_TRY(read_tar(*tar, sink));
  return pipe.finish();
}

Result<Digest> hash_layer(std::unique_ptr<ByteSource> blob, std::uint64_t blob_size) {
  auto plain = BH_TRY(decompressed(std::move(blob)));
  LayerPipe pipe(std::move(plain), blob_size);
  return pipe.finish();
}

}  // namespace bh::image
