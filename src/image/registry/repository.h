#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "base/mutex.h"
#include "image/digest.h"
#include "image/registry/challenge.h"
#include "image/registry/credentials.h"
#include "image/registry/http.h"

namespace bh::image::registry {

struct Connection {
  std::string host;  // "registry.example.com:5000"; docker.io's is another than its name.
  std::string repository;
  Trust trust;
  std::optional<Credentials> credentials;
};

struct RemoteManifest {
  std::string text;
  std::string media_type;
  Digest digest;
};

/// A repository of a registry, by the OCI distribution specification 1.1. Any thread may call it;
/// each needs an HttpClient of its own.
class Repository {
 public:
  explicit Repository(Connection connection) : connection_(std::move(connection)) {}

  std::string const& host() const { return connection_.host; }
  HttpClient client() const { return HttpClient(connection_.trust); }

  /// Finds out whether the peer is a registry, and by TLS or not. First of all.
  Result<> connect(HttpClient& client);

  /// Of a tag or a digest. The text has the digest that is returned.
  Result<RemoteManifest> manifest(HttpClient& client, std::string const& tag_or_digest);

  /// The blob from `offset` on into `sink`; `restarted` is called before if the peer sends it all
  /// the same from its beginning.
  Result<> blob(HttpClient& client, Digest const& digest, std::uint64_t offset,
                std::function<Result<>(std::span<std::byte const>)> const& sink,
                std::function<Result<>()> const& restarted);

  Result<bool> has_blob(HttpClient& client, Digest const& digest);
  Result<> upload_blob(HttpClient& client, Digest const& digest, Upload const& upload);
  Result<> put_manifest(HttpClient& client, std::string const& tag_or_digest,
                        std::string const& media_type, std::string const& text);

 private:
  enum class Access : std::uint8_t { Pull, Push };

  std::string url(std::string const& rest) const;
  /// Sends a request, and once more with what the peer asks for if it is not allowed.
  Result<HttpReply> send(HttpClient& client, HttpRequest request, Access access);
  Result<std::string> authorize(HttpClient& client, HttpReply const& reply, Access access);
  Result<std::string> fetch_token(HttpClient& client, Challenge const& challenge, Access access);

  Connection connection_;
  std::string scheme_ = "https://";

  Mutex mutex_;
  std::map<Access, std::string> authorizations_ BH_GUARDED_BY(mutex_);
};

}  // namespace bh::image::registry
