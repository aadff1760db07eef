#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::image {

/// The SHA-256 of some bytes, as "sha256:" and 64 hexadecimal digits in lower case (OCI image
/// specification, descriptor.md). Other algorithms are not supported.
class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  /// From the 64 digits alone, as names of files in the store have them.
  static Result<Digest> parse_hex(std::string_view hex);
  static Digest of(std::string_view bytes);

  std::string const& hex() const { return hex_; }
  std::string text() const { return "sha256:" + hex_; }
  /// The first 12 digits: how people see images.
  std::string short_hex() const { return hex_.substr(0, 12); }

  friend auto operator<=>(Digest const&, Digest const&) = default;

 private:
  friend class Hasher;
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}

  std::string hex_;
};

/// Computes a digest of bytes as they come. One thread at a time.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::span<std::byte const> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  /// Of all that was given; the hasher is of no use afterwards.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bh::image
