#include "image/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace bh::image {

namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kHexLength = 64;

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// SHA-256 is in every build of libcrypto and fails for want of memory alone.
void must(int done) {
  if (done != 1) std::abort();
}

}  // namespace

struct Hasher::State {
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();

  State() = default;
  State(State const&) = delete;
  State& operator=(State const&) = delete;
  ~State() { ::EVP_MD_CTX_free(context); }
};

Result<Digest> Digest::parse_hex(std::string_view hex) {
  if (hex.size() == kHexLength && std::ranges::all_of(hex, is_hex_digit)) {
    return Digest(std::string(hex));
  }
  return fail(Errc::Invalid, "\"" + std::string(hex.substr(0, 80)) +
                                 "\" is no SHA-256: 64 hexadecimal digits in lower case");
}

Result<Digest> Digest::parse(std::string_view text) {
  if (text.starts_with(kPrefix)) return parse_hex(text.substr(kPrefix.size()));
  std::string const shown(text.substr(0, 160));
  if (text.starts_with("sha512:") || text.starts_with("sha384:") || text.starts_with("blake3:")) {
    return fail(Errc::Unsupported, "digest " + shown + ": only sha256 is supported");
  }
  return fail(Errc::Invalid, "\"" + shown + "\" is no digest; one looks like sha256:0123...");
}

Digest Digest::of(std::string_view bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Hasher::Hasher() : state_(std::make_unique<State>()) {
  must(::EVP_DigestInit_ex(state_->context, ::EVP_sha256(), nullptr));
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<std::byte const> bytes) {
  must(::EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
}

Digest Hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  must(::EVP_DigestFinal_ex(state_->context, sum.data(), &size));
  std::string hex;
  hex.reserve(kHexLength);
  for (unsigned char const byte : std::span(sum).first(size)) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return Digest(std::move(hex));
}

}  // namespace bh::image
