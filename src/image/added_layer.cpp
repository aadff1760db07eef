#include "image/added_layer.h"

#include <memory>
#include <string>

#include "image/layer_reader.h"

namespace bh::image {

namespace {

/// Looks at everything and keeps nothing.
class Inspector final : public LayerSink {
 public:
  Result<> take(Entry const& entry, Content& content) override {
    while (entry.kind == EntryKind::File) {
      auto const piece = BH_TRY(content.next());
      if (piece.bytes.empty()) break;
    }
    ++entries_;
    return {};
  }
  std::size_t entries() const { return entries_; }

 private:
  std::size_t entries_ = 0;
};

}  // namespace

Result<Descriptor> keep_layer(BlobWriter& writer) {
  auto const size = writer.size();
  auto digest = BH_TRY(writer.commit());
  return Descriptor{.media_type = std::string(kOciLayer),
                    .digest = std::move(digest),
                    .size = size,
                    .platform = {},
                    .annotations = {}};
}

Result<LayerContent> inspect_layer(Store const& store, Descriptor const& layer) {
  auto blob = BH_TRY(store.open_blob(layer.digest));
  Inspector inspector;
  auto diff_id =
      BH_TRY(read_layer(std::make_unique<FileSource>(std::move(blob)), layer.size, inspector));
  return LayerContent{.diff_id = std::move(diff_id), .entries = inspector.entries()};
}

}  // namespace bh::image
