#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "base/units.h"
#include "image/adding.h"
#include "image/blob_writer.h"
#include "image/image.h"
#include "image/registry/progress.h"
#include "image/registry/transfer.h"

namespace bh::image::registry {

namespace {

// A connection that breaks is taken up again so often, each time after twice as long.
constexpr int kTries = 5;
constexpr std::chrono::milliseconds kFirstWait{200};

/// What may be otherwise in a moment.
bool is_worth_a_retry(Error const& error) {
  return error.code == Errc::Io || error.code == Errc::Timeout || error.code == Errc::Busy;
}

class Puller {
 public:
  Puller(Store const& store, Reference const& reference, TransferOptions const& options)
      : store_(store),
        reference_(reference),
        options_(options),
        progress_("pull " + reference.familiar()) {}

  Result<Pulled> run() {
    auto const adding = BH_TRY(store_.begin_adding());
    auto const found = BH_TRY(find_source());
    auto image = BH_TRY(keep_manifest(found));
    auto const text = BH_TRY(store_.read_document(image.manifest.digest));
    auto const manifest = BH_TRY(parse_manifest(text, image.manifest.media_type));
    BH_TRY(fetch_blobs(manifest));
    auto const whole = BH_TRY(load_image(store_, image));
    auto const& platform = whole.config.platform;
    if (!platform.architecture.empty() && !platform.fits(options_.platform)) {
      return fail(Errc::Unsupported, "the image is for " + platform.text() + " and not for " +
                                         options_.platform.text() +
                                         "; take it all the same with --platform " +
                                         platform.text());
    }
    image.manifest.platform = platform;
    BH_TRY(set_name(store_, image));
    return Pulled{.image = std::move(image), .bytes = progress_.moved()};
  }

 private:
  /// Asks the mirrors and then the registry for the manifest; the first that has it is the source.
  Result<RemoteManifest> find_source() {
    std::optional<Error> last;
    for (std::size_t i = 0; i <= options_.mirrors.size(); ++i) {
      bool const is_mirror = i < options_.mirrors.size();
      auto connection = BH_TRY(is_mirror ? mirror_of(reference_, options_.mirrors[i], options_)
                                         : connection_to(reference_, options_));
      source_ = std::make_unique<Repository>(std::move(connection));
      auto manifest = ask_source();
      if (manifest) return manifest;
      last = std::move(manifest).error();
    }
    return std::unexpected(std::move(*last));
  }

  Result<RemoteManifest> ask_source() {
    auto client = source_->client();
    BH_TRY(source_->connect(client));
    return source_->manifest(client, reference_.tag_or_digest());
  }

  /// Keeps the manifest of our platform.
  Result<NamedImage> keep_manifest(RemoteManifest const& found) {
    NamedImage image{.name = reference_.text(),
                     .manifest = {.media_type = found.media_type,
                                  .digest = found.digest,
                                  .size = found.text.size(),
                                  .platform = {},
                                  .annotations = {}},
                     .pulled = {}};
    auto const document = BH_TRY(parse_document(found.text, found.media_type));
    if (auto const* const index = std::get_if<Index>(&document)) {
      auto const chosen = BH_TRY(index->select(options_.platform));
      image.pulled = found.digest;
      image.manifest = chosen;
      image.manifest.annotations.clear();
      if (store_.has(chosen.digest)) return image;
      auto client = source_->client();
      auto const inner = BH_TRY(source_->manifest(client, chosen.digest.text()));
      BH_TRY(store_.add(inner.text));
      image.manifest.size = inner.text.size();
      return image;
    }
    image.manifest.media_type = std::get<Manifest>(document).media_type;
    BH_TRY(store_.add(found.text));
    return image;
  }

  Result<> fetch_blobs(Manifest const& manifest) {
    std::vector<Descriptor> missing;
    std::set<Digest> seen;
    auto const want = [&](Descriptor const& blob) {
      if (seen.insert(blob.digest).second && !store_.has(blob.digest)) missing.push_back(blob);
    };
    for (auto const& layer : manifest.layers) want(layer);
    want(manifest.config);
    // The largest first: nobody waits for it in the end.
    std::ranges::sort(missing, std::greater(), &Descriptor::size);
    for (auto const& blob : missing) progress_.expect(blob.size);
    return for_each_blob(missing, [this](Descriptor const& blob) { return fetch(blob); });
  }

  Result<> fetch(Descriptor const& blob) {
    auto writer = BH_TRY(BlobWriter::resume(store_, blob.digest, blob.size));
    if (!writer) return {};
    auto client = source_->client();
    auto wait = kFirstWait;
    for (int tries = 1; writer->size() < blob.size; ++tries) {
      auto const fetched = fetch_some(client, blob, *writer);
      if (fetched && writer->size() == blob.size) break;
      auto error = fetched ? Error{Errc::Io, "blob " + blob.digest.text() + " came in part"}
                           : fetched.error();
      if (tries == kTries || !is_worth_a_retry(error)) return std::unexpected(std::move(error));
      std::this_thread::sleep_for(wait);
      wait *= 2;
    }
    BH_TRY(writer->commit_as(blob.digest, blob.size));
    return {};
  }

  Result<> fetch_some(HttpClient& client, Descriptor const& blob, BlobWriter& writer) {
    auto const take = [&](std::span<std::byte const> bytes) -> Result<> {
      if (bytes.size() > blob.size - writer.size()) {
        return fail(Errc::Corrupt,
                    "blob " + blob.digest.text() + " is longer than its " + size_text(blob.size));
      }
      progress_.add(bytes.size());
      return writer.write(bytes);
    };
    return source_->blob(client, blob.digest, writer.size(), take,
                         [&writer] { return writer.restart(); });
  }

  Store const& store_;
  Reference const& reference_;
  TransferOptions const& options_;
  Progress progress_;
  std::unique_ptr<Repository> source_;
};

}  // namespace

Result<Pulled> pull(Store const& store, Reference const& reference,
                    TransferOptions const& options) {
  auto pulled = Puller(store, reference, options).run();
  if (!pulled) return std::unexpected(std::move(pulled).error().while_doing(reference.familiar()));
  return pulled;
}

}  // namespace bh::image::registry
