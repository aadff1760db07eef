#include "image/registry/repository.h"

#include <utility>

#include "image/json.h"
#include "image/manifest.h"

namespace bh::image::registry {

namespace {

/// What a registry says went wrong: {"errors":[{"code":..., "message":...}]}.
std::string words_of(HttpReply const& reply) {
  auto text = "status " + std::to_string(reply.status);
  auto const json = parse_object(reply.body);
  if (!json) return text;
  auto const errors = array_member(*json, "errors");
  if (!errors || *errors == nullptr) return text;
  for (auto const& error : **errors) {
    if (!error.is_object()) continue;
    auto const message = text_member(error.get_object(), "message");
    auto const code = text_member(error.get_object(), "code");
    if (message && code) text += ": " + (message->empty() ? *code : *message).substr(0, 200);
  }
  return text;
}

Errc kind_of(long status) {
  switch (status) {
    case 401:
    case 403: return Errc::Denied;
    case 404: return Errc::NotFound;
    case 429: return Errc::Busy;
    default: return Errc::Io;
  }
}

std::unexpected<Error> refusal(std::string const& what, HttpReply const& reply) {
  auto text = what + ": " + words_of(reply);
  if (reply.status == 401 || reply.status == 403) {
    text += "; give --creds USER:PASSWORD, or log in with `podman login`";
  }
  return fail(kind_of(reply.status), std::move(text));
}

std::vector<std::string> accepted() {
  std::vector<std::string> headers;
  for (auto const type : {kOciManifest, kOciIndex, kDockerManifest, kDockerList}) {
    headers.push_back("Accept: " + std::string(type));
  }
  return headers;
}

}  // namespace

std::string Repository::url(std::string const& rest) const {
  return scheme_ + connection_.host + "/v2/" + rest;
}

Result<> Repository::connect(HttpClient& client) {
  HttpRequest const ping{.url = url("")};
  auto reply = client.perform(ping);
  bool const no_tls = !reply || (reply->status != 200 && reply->status != 401);
  if (no_tls && connection_.trust.insecure) {
    scheme_ = "http://";
    auto plain = client.perform({.url = url("")});
    if (plain) reply = std::move(plain);
  }
  if (!reply) return std::unexpected(std::move(reply).error());
  if (reply->status == 200 || reply->status == 401) return {};
  return fail(Errc::Invalid, connection_.host + " is no registry: " + scheme_ + connection_.host +
                                 "/v2/ answers " + std::to_string(reply->status));
}

Result<HttpReply> Repository::send(HttpClient& client, HttpRequest request, Access access) {
  std::string authorization;
  {
    MutexLock const lock(mutex_);
    authorization = authorizations_[access];
  }
  auto const with = [&request](std::string const& value) {
    auto copy = request;
    if (!value.empty()) copy.headers.push_back("Authorization: " + value);
    return copy;
  };
  auto reply = BH_TRY(client.perform(with(authorization)));
  if (reply.status != 401) return reply;
  authorization = BH_TRY(authorize(client, reply, access));
  if (authorization.empty()) return reply;
  {
    MutexLock const lock(mutex_);
    authorizations_[access] = authorization;
  }
  return client.perform(with(authorization));
}

Result<std::string> Repository::authorize(HttpClient& client, HttpReply const& reply,
                                          Access access) {
  auto const [first, last] = reply.headers.equal_range("www-authenticate");
  for (auto header = first; header != last; ++header) {
    for (auto const& challenge : parse_challenges(header->second)) {
      if (challenge.scheme == "bearer") return fetch_token(client, challenge, access);
      if (challenge.scheme != "basic" || !connection_.credentials) continue;
      if (scheme_ == "http://" && !connection_.trust.insecure) continue;
      return connection_.credentials->authorization();
    }
  }
  return std::string();
}

Result<std::string> Repository::fetch_token(HttpClient& client, Challenge const& challenge,
                                            Access access) {
  auto const realm = challenge.parameter("realm");
  auto scope = challenge.parameter("scope");
  if (scope.empty()) {
    scope =
        "repository:" + connection_.repository + (access == Access::Push ? ":pull,push" : ":pull");
  }
  bool const secure = realm.starts_with("https://");
  if (!secure && !(connection_.trust.insecure && realm.starts_with("http://"))) {
    return fail(Errc::Denied, connection_.host + " wants a token from \"" + realm.substr(0, 200) +
                                  "\", which is not https; --insecure would allow it");
  }
  HttpRequest request{.url = realm + (realm.find('?') == std::string::npos ? "?" : "&") +
                             "service=" + url_escaped(challenge.parameter("service")) +
                             "&scope=" + url_escaped(scope)};
  if (connection_.credentials) {
    request.headers.push_back("Authorization: " + connection_.credentials->authorization());
  }
  auto const reply = BH_TRY(client.perform(request));
  if (!reply.ok()) return refusal("get a token from " + realm, reply);
  auto const json = BH_TRY(parse_object(reply.body));
  auto token = BH_TRY(text_member(json, "token"));
  if (token.empty()) token = BH_TRY(text_member(json, "access_token"));
  if (token.find_first_of("\r\n") != std::string::npos) {
    return fail(Errc::Corrupt, realm + " sent a token that is none");
  }
  return "Bearer " + token;
}

Result<RemoteManifest> Repository::manifest(HttpClient& client, std::string const& tag_or_digest) {
  auto const what = connection_.repository + (tag_or_digest.starts_with("sha256:") ? "@" : ":") +
                    tag_or_digest + " of " + connection_.host;
  auto reply = BH_TRY(send(
      client,
      {.url = url(connection_.repository + "/manifests/" + tag_or_digest), .headers = accepted()},
      Access::Pull));
  if (!reply.ok()) return refusal("get " + what, reply);
  auto digest = Digest::of(reply.body);
  auto type = reply.header("content-type");
  type.resize(std::min(type.size(), type.find(';')));
  // What was asked for by digest must have it; of a tag the registry's own word is compared.
  auto const said =
      tag_or_digest.starts_with("sha256:") ? tag_or_digest : reply.header("docker-content-digest");
  if (said.starts_with("sha256:") && said != digest.text()) {
    return fail(Errc::Corrupt, "get " + what + ": it came with the digest " + digest.text() +
                                   " instead of " + said);
  }
  return RemoteManifest{
      .text = std::move(reply.body), .media_type = std::move(type), .digest = std::move(digest)};
}

Result<> Repository::blob(HttpClient& client, Digest const& digest, std::uint64_t offset,
                          std::function<Result<>(std::span<std::byte const>)> const& sink,
                          std::function<Result<>()> const& restarted) {
  bool first = true;
  HttpRequest request{.url = url(connection_.repository + "/blobs/" + digest.text())};
  if (offset != 0) request.headers.push_back("Range: bytes=" + std::to_string(offset) + "-");
  request.sink = [&](long status, std::span<std::byte const> bytes) -> Result<> {
    if (std::exchange(first, false) && offset != 0 && status != 206) BH_TRY(restarted());
    return sink(bytes);
  };
  auto const reply = BH_TRY(send(client, std::move(request), Access::Pull));
  if (reply.ok()) return {};
  return refusal("get blob " + digest.text() + " of " + connection_.host, reply);
}

Result<bool> Repository::has_blob(HttpClient& client, Digest const& digest) {
  auto const reply = BH_TRY(send(
      client, {.method = "HEAD", .url = url(connection_.repository + "/blobs/" + digest.text())},
      Access::Push));
  return reply.ok();
}

Result<> Repository::upload_blob(HttpClient& client, Digest const& digest, Upload const& upload) {
  auto const begun = BH_TRY(
      send(client, {.method = "POST", .url = url(connection_.repository + "/blobs/uploads/")},
           Access::Push));
  auto location = begun.header("location");
  if (begun.status != 202 || location.empty()) {
    return refusal("push to " + connection_.repository + " of " + connection_.host, begun);
  }
  if (location.starts_with('/')) location.insert(0, scheme_ + connection_.host);
  location += location.find('?') == std::string::npos ? "?" : "&";
  HttpRequest request{.method = "PUT",
                      .url = location + "digest=" + url_escaped(digest.text()),
                      .headers = {"Content-Type: application/octet-stream"},
                      .upload = upload};
  auto const reply = BH_TRY(send(client, std::move(request), Access::Push));
  if (reply.ok()) return {};
  return refusal("push blob " + digest.text(), reply);
}

Result<> Repository::put_manifest(HttpClient& client, std::string const& tag_or_digest,
                                  std::string const& media_type, std::string const& text) {
  Upload const upload{
      .size = text.size(),
      .read = [&text](std::uint64_t offset, std::span<std::byte> out) -> Result<std::size_t> {
        auto const rest = std::as_bytes(std::span(text)).subspan(offset);
        auto const count = std::min(rest.size(), out.size());
        std::copy_n(rest.begin(), count, out.begin());
        return count;
      }};
  HttpRequest request{.method = "PUT",
                      .url = url(connection_.repository + "/manifests/" + tag_or_digest),
                      .headers = {"Content-Type: " + media_type},
                      .upload = upload};
  auto const reply = BH_TRY(send(client, std::move(request), Access::Push));
  if (reply.ok()) return {};
  return refusal("push the manifest", reply);
}

}  // namespace bh::image::registry
