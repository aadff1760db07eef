#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "image/digest.h"

namespace bh::image {

/// The name of an image: "debian" is docker.io/library/debian:latest, as docker reads it.
struct Reference {
  std::string registry;    // Host and maybe port: "docker.io", "localhost:5000".
  std::string repository;  // "library/debian"
  std::string tag;         // Empty only if there is a digest.
  std::optional<Digest> digest;

  /// "[REGISTRY/]REPOSITORY[:TAG][@DIGEST]". A first part with a dot or a colon, or "localhost",
  /// is a registry. Errc::Invalid with what a name looks like.
  static Result<Reference> parse(std::string_view text);

  /// All of it: "docker.io/library/debian:12".
  std::string text() const;
  /// As short as people write it: "debian:12".
  std::string familiar() const { return familiar_repository() + suffix(); }
  std::string familiar_repository() const;
  /// What a registry is asked for: the digest if there is one, else the tag.
  std::string tag_or_digest() const { return digest ? digest->text() : tag; }

  friend bool operator==(Reference const&, Reference const&) = default;

 private:
  std::string suffix() const;
};

}  // namespace bh::image
