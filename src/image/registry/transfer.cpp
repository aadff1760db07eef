#include "image/registry/transfer.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "base/mutex.h"

namespace bh::image::registry {

namespace {

// More would be faster against few registries and be refused by some.
constexpr std::size_t kAtOnce = 4;

constexpr char kDockerHub[] = "docker.io";
constexpr char kDockerHubHost[] = "registry-1.docker.io";

/// Remembers the first error of several threads.
class FirstError {
 public:
  void set(Error error) BH_EXCLUDES(mutex_) {
    MutexLock const lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  std::optional<Error> take() BH_EXCLUDES(mutex_) {
    MutexLock const lock(mutex_);
    return std::move(error_);
  }

 private:
  Mutex mutex_;
  std::optional<Error> error_ BH_GUARDED_BY(mutex_);
};

}  // namespace

Result<> for_each_blob(std::vector<Descriptor> const& blobs,
                       std::function<Result<>(Descriptor const&)> const& work) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  FirstError first_error;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kAtOnce, blobs.size()); ++i) {
      threads.emplace_back([&] {
        for (std::size_t mine = next++; mine < blobs.size() && !failed; mine = next++) {
          auto done = work(blobs[mine]);
          if (done) continue;
          failed = true;
          first_error.set(std::move(done).error());
        }
      });
    }
  }
  if (auto error = first_error.take()) return std::unexpected(std::move(*error));
  return {};
}

Result<Connection> connection_to(Reference const& reference, TransferOptions const& options) {
  auto credentials = options.credentials;
  if (!credentials) {
    credentials = BH_TRY(usual_credentials(reference.registry, reference.repository));
  }
  return Connection{.host = reference.registry == kDockerHub ? kDockerHubHost : reference.registry,
                    .repository = reference.repository,
                    .trust = options.trust,
                    .credentials = std::move(credentials)};
}

Result<Connection> mirror_of(Reference const& reference, std::string const& mirror,
                             TransferOptions const& options) {
  std::string_view rest = mirror;
  Connection connection{
      .host = {}, .repository = reference.repository, .trust = options.trust, .credentials = {}};
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kSecure = "https://";
  if (rest.starts_with(kPlain)) {
    connection.trust.insecure = true;
    rest.remove_prefix(kPlain.size());
  } else if (rest.starts_with(kSecure)) {
    rest.remove_prefix(kSecure.size());
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  auto const slash = rest.find('/');
  connection.host = rest.substr(0, slash);
  if (slash != rest.npos) {
    connection.repository = std::string(rest.substr(slash + 1)) + "/" + reference.repository;
  }
  auto const valid = Reference::parse(connection.host + "/" + connection.repository);
  if (!valid || connection.host.find_first_of(".:[") == std::string::npos) {
    if (connection.host != "localhost") {
      return fail(Errc::Invalid, "mirror \"" + mirror + "\"; write [http://]HOST[:PORT][/PREFIX]");
    }
  }
  connection.credentials = BH_TRY(usual_credentials(connection.host, connection.repository));
  return connection;
}

}  // namespace bh::image::registry
