#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "image/file_tree.h"
#include "image/layer_reader.h"
#include "image/limits.h"

namespace {

using namespace bh::image;

/// Believes nothing: what it is given must be what the contract says.
class Judge final : public LayerSink {
 public:
  bh::Result<> take(Entry const& entry, Content& content) override {
    auto const clean = clean_path(entry.path);
    if (!clean || *clean != entry.path) std::abort();
    if (entry.path.starts_with('/') || entry.path.size() > kLongestPath) std::abort();
    auto const inode = tree_.take(entry);
    if (!inode) return std::unexpected(inode.error());
    std::uint64_t end = 0;
    while (entry.kind == EntryKind::File) {
      auto const piece = BH_TRY(content.next());
      if (piece.bytes.empty()) break;
      if (piece.offset < end) std::abort();
      end = piece.offset + piece.bytes.size();
    }
    return {};
  }

 private:
  FileTree tree_;
};

}  // namespace

// Any bytes are a layer or are refused.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  Judge judge;
  // Bombs only take time.
  constexpr std::uint64_t kMost = std::uint64_t{4} << 20;
  auto const digest = read_layer(
      std::make_unique<MemorySource>(std::as_bytes(std::span(data, size))), size, judge, kMost);
  if (!digest && digest.error().message.empty()) std::abort();
  return 0;
}
