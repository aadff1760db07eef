#include "image/layer_pipe.h"

#include <utility>

#include "image/limits.h"

namespace bh::image {

namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
// How far the threads may be apart: enough that none waits for another's slow moment.
constexpr std::size_t kMostQueued = 16;

}  // namespace

Result<> check_growth(std::uint64_t made, std::uint64_t compressed_size) {
  if (made > kGrowthIgnoredBelow && made / kMostGrowth > compressed_size) {
    return fail(Errc::Corrupt, size_text(compressed_size) + " unpack to more than " +
                                   size_text(made) + ": that is a bomb and no layer");
  }
  return {};
}

LayerPipe::LayerPipe(std::unique_ptr<ByteSource> source, std::uint64_t compressed_size,
                     std::uint64_t most)
    : source_(std::move(source)),
      producer_([this, compressed_size, most](std::stop_token const& stop) {
        produce(stop, compressed_size, most);
      }),
      hash_thread_([this] { hash(); }) {}

LayerPipe::~LayerPipe() {
  producer_.request_stop();
  MutexLock const lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
  // The threads are joined after the lock has gone, by their own destructors.
}

void LayerPipe::put(Chunk const& chunk) {
  MutexLock const lock(mutex_);
  while (!abandoned_ &&
         (queues_[kCaller].size() >= kMostQueued || queues_[kHasher].size() >= kMostQueued)) {
    changed_.wait(mutex_);
  }
  for (auto& queue : queues_) queue.push_back(chunk);
  changed_.notify_all();
}

void LayerPipe::end(std::optional<Error> error) {
  MutexLock const lock(mutex_);
  error_ = std::move(error);
  ended_ = true;
  changed_.notify_all();
}

LayerPipe::Chunk LayerPipe::get(Reader reader) {
  MutexLock const lock(mutex_);
  auto& queue = queues_[reader];
  while (queue.empty() && !ended_ && !abandoned_) changed_.wait(mutex_);
  if (queue.empty() || abandoned_) return nullptr;
  auto chunk = std::move(queue.front());
  queue.pop_front();
  changed_.notify_all();
  return chunk;
}

void LayerPipe::produce(std::stop_token const& stop, std::uint64_t compressed_size,
                        std::uint64_t most) {
  std::uint64_t made = 0;
  while (!stop.stop_requested()) {
    auto chunk = std::make_shared<std::vector<std::byte>>(kChunk);
    std::size_t filled = 0;
    // Whole chunks: a decompressor may return little at a time.
    while (filled < kChunk) {
      auto const count = source_->read(std::span(*chunk).subspan(filled));
      if (!count) return end(count.error());
      if (*count == 0) break;
      filled += *count;
    }
    if (filled == 0) break;
    made += filled;
    if (made > most) {
      return end(Error{Errc::Corrupt, "it unpacks to more than " + size_text(most)});
    }
    if (auto const grown = check_growth(made, compressed_size); !grown) return end(grown.error());
    chunk->resize(filled);
    put(chunk);
  }
  end(std::nullopt);
}

void LayerPipe::hash() {
  while (auto const chunk = get(kHasher)) hasher_.update(*chunk);
}

Result<std::span<std::byte const>> LayerPipe::next() {
  current_ = get(kCaller);
  if (current_) return std::span<std::byte const>(*current_);
  MutexLock const lock(mutex_);
  if (error_) return std::unexpected(*error_);
  return std::span<std::byte const>();
}

Result<Digest> LayerPipe::finish() {
  while (true) {
    auto const bytes = BH_TRY(next());
    if (bytes.empty()) break;
  }
  hash_thread_.join();
  return hasher_.finish();
}

}  // namespace bh::image
