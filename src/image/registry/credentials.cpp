#include "image/registry/credentials.h"

#include <fcntl.h>
#include <openssl/evp.h>

#include <cstdlib>

#include "image/json.h"
#include "image/limits.h"
#include "os/text_file.h"

namespace bh::image::registry {

namespace {

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  int const size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<unsigned char const*>(text.data()),
                                     static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  int const size = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<unsigned char const*>(text.data()),
                                     static_cast<int>(text.size()));
  if (size < 0 || text.size() % 4 != 0) return std::nullopt;
  auto const padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

/// "registry.example.com/a" of a key, which may be a URL with "/v1/" or "/v2/" behind it.
std::string place_of(std::string_view key) {
  if (auto const scheme = key.find("://"); scheme != key.npos) key.remove_prefix(scheme + 3);
  while (key.ends_with('/')) key.remove_suffix(1);
  for (std::string_view const version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  constexpr std::string_view kIndex = "index.";
  if (key.starts_with("index.docker.io")) key.remove_prefix(kIndex.size());
  return std::string(key);
}

bool is_part_of(std::string const& place, std::string const& whole) {
  return whole == place || (whole.starts_with(place) && whole[place.size()] == '/');
}

std::string file_in(char const* variable, char const* name) {
  auto const* const folder = std::getenv(variable);
  return folder == nullptr || folder[0] == '\0' ? "" : std::string(folder) + name;
}

}  // namespace

Result<Credentials> Credentials::parse(std::string_view text) {
  auto const colon = text.find(':');
  if (colon == text.npos || colon == 0) {
    return fail(Errc::Invalid, "credentials look like USER:PASSWORD");
  }
  return Credentials{.user = std::string(text.substr(0, colon)),
                     .password = std::string(text.substr(colon + 1))};
}

std::string Credentials::authorization() const {
  return "Basic " + base64(user + ":" + password);
}

Result<std::optional<Credentials>> find_credentials(std::string_view file_text,
                                                    std::string const& registry,
                                                    std::string const& repository) {
  auto const file = BH_TRY(parse_object(file_text));
  auto const* const entries = BH_TRY(object_member(file, "auths"));
  if (entries == nullptr) return std::nullopt;
  std::string best;
  std::string encoded;
  for (auto const& entry : *entries) {
    auto const place = place_of(entry.key());
    if (!entry.value().is_object() || !is_part_of(place, registry + "/" + repository)) continue;
    if (place.size() < best.size()) continue;
    auto text = BH_TRY(text_member(entry.value().get_object(), "auth"));
    if (text.empty()) continue;
    best = place;
    encoded = std::move(text);
  }
  if (encoded.empty()) return std::nullopt;
  auto const plain = from_base64(encoded);
  if (!plain) return fail(Errc::Corrupt, "\"auth\" of " + best + " is no base64");
  auto credentials = BH_TRY(Credentials::parse(*plain));
  return credentials;
}

Result<std::optional<Credentials>> usual_credentials(std::string const& registry,
                                                     std::string const& repository) {
  for (auto const& path :
       {file_in("REGISTRY_AUTH_FILE", ""), file_in("XDG_RUNTIME_DIR", "/containers/auth.json"),
        file_in("DOCKER_CONFIG", "/config.json"), file_in("HOME", "/.docker/config.json")}) {
    if (path.empty()) continue;
    auto const text = os::read_text_at(AT_FDCWD, path, kDocumentLimit);
    if (!text) continue;
    auto found = find_credentials(*text, registry, repository);
    if (!found) return std::unexpected(std::move(found).error().while_doing("read " + path));
    if (*found) return found;
  }
  return std::nullopt;
}

}  // namespace bh::image::registry
