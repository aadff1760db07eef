#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "image/adding.h"
#include "image/image.h"
#include "image/registry/progress.h"
#include "image/registry/transfer.h"

namespace bh::image::registry {

namespace {

class Pusher {
 public:
  Pusher(Store const& store, Repository& target, std::string what)
      : store_(store), target_(target), progress_("push " + std::move(what)) {}

  Result<std::uint64_t> run(Image const& image, std::string const& tag_or_digest) {
    auto client = target_.client();
    BH_TRY(target_.connect(client));
    auto blobs = image.manifest.layers;
    blobs.push_back(image.manifest.config);
    for (auto const& blob : blobs) progress_.expect(blob.size);
    BH_TRY(for_each_blob(blobs, [this](Descriptor const& blob) { return send(blob); }));
    auto const text = BH_TRY(store_.read_document(image.entry.manifest.digest));
    BH_TRY(target_.put_manifest(client, tag_or_digest, image.manifest.media_type, text));
    return sent_.load();
  }

 private:
  Result<> send(Descriptor const& blob) {
    auto client = target_.client();
    bool const there = BH_TRY(target_.has_blob(client, blob.digest));
    if (there) {
      progress_.add(blob.size);
      return {};
    }
    auto const file = BH_TRY(store_.open_blob(blob.digest));
    Upload const upload{
        .size = blob.size,
        .read = [&](std::uint64_t offset, std::span<std::byte> out) -> Result<std::size_t> {
          ssize_t const count =
              ::pread(file.get(), out.data(), out.size(), static_cast<off_t>(offset));
          if (count < 0) return fail_errno("read a blob", errno);
          progress_.add(static_cast<std::uint64_t>(count));
          return static_cast<std::size_t>(count);
        }};
    BH_TRY(target_.upload_blob(client, blob.digest, upload));
    sent_ += blob.size;
    return {};
  }

  Store const& store_;
  Repository& target_;
  Progress progress_;
  std::atomic<std::uint64_t> sent_ = 0;
};

}  // namespace

Result<std::uint64_t> push(Store const& store, NamedImage const& image, Reference const& to,
                           TransferOptions const& options) {
  auto const adding = BH_TRY(store.begin_adding());
  auto const whole = BH_TRY(load_image(store, image));
  BH_TRY(claim_image(store, whole));
  auto connection = BH_TRY(connection_to(to, options));
  Repository target(std::move(connection));
  auto sent = Pusher(store, target, to.familiar()).run(whole, to.tag_or_digest());
  if (!sent) return std::unexpected(std::move(sent).error().while_doing(to.familiar()));
  return sent;
}

}  // namespace bh::image::registry
