#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "image/manifest.h"
#include "image/names.h"
#include "image/platform.h"
#include "image/reference.h"
#include "image/registry/credentials.h"
#include "image/registry/http.h"
#include "image/registry/repository.h"
#include "image/store.h"

namespace bh::image::registry {

struct TransferOptions {
  Platform platform = Platform::host();
  Trust trust;
  std::optional<Credentials> credentials;  // Else the usual ones of the registry.
  /// Asked before the registry, in this order: "[http://]HOST[:PORT][/PREFIX]".
  std::vector<std::string> mirrors;
};

struct Pulled {
  NamedImage image;
  std::uint64_t bytes = 0;  // That came over the network.
};

/// Fetches an image into the store and names it. Blobs that are there are not fetched, half of one
/// is not fetched again, and what another process is fetching is waited for.
Result<Pulled> pull(Store const& store, Reference const& reference, TransferOptions const& options);

/// Brings an image of the store to a registry, as `to`. Returns the bytes that went there.
Result<std::uint64_t> push(Store const& store, NamedImage const& image, Reference const& to,
                           TransferOptions const& options);

/// Calls work(descriptor) for each, several at a time; the first error ends it.
Result<> for_each_blob(std::vector<Descriptor> const& blobs,
                       std::function<Result<>(Descriptor const&)> const& work);

/// Where to reach a reference's repository.
Result<Connection> connection_to(Reference const& reference, TransferOptions const& options);
Result<Connection> mirror_of(Reference const& reference, std::string const& mirror,
                             TransferOptions const& options);

}  // namespace bh::image::registry
