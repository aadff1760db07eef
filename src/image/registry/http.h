#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace bh::image::registry {

/// How far a peer is believed.
struct Trust {
  std::string ca_file;    // Certificates to believe beside those of the system; may be empty.
  bool insecure = false;  // Any certificate, and plain HTTP.
};

/// Bytes to send, which may have to be sent twice.
struct Upload {
  std::uint64_t size = 0;
  /// Fills `out` with bytes from `offset` on; fewer only at the end.
  std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> out)> read;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::optional<Upload> upload;
  /// Takes the body of a reply that is a success, as it comes; without it the reply has it.
  std::function<Result<>(long status, std::span<std::byte const>)> sink;
};

struct HttpReply {
  long status = 0;
  std::multimap<std::string, std::string> headers;  // Names in lower case.
  std::string body;                                 // At most kDocumentLimit bytes.

  /// The first of that name, or empty.
  std::string header(std::string const& name) const;
  bool ok() const { return status >= 200 && status < 300; }
};

/// HTTP/1.1 over TLS, with one connection kept for the next request. One thread at a time.
/// Redirects are followed, without credentials to other hosts and never from TLS to plain HTTP.
class HttpClient {
 public:
  explicit HttpClient(Trust trust);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;
  ~HttpClient();

  /// A reply of any status, or why there is none: Errc::Timeout, or Errc::Io.
  Result<HttpReply> perform(HttpRequest const& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `text` with all but letters, digits and "-._~" as %XX.
std::string url_escaped(std::string_view text);

}  // namespace bh::image::registry
