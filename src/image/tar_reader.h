#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/error.h"
#include "image/layer_reader.h"

struct archive;
struct archive_entry;

namespace bh::image {

/// A tar, entry by entry (libarchive), with names in UTF-8 whatever the program's locale. One
/// thread, the same from open() to the end.
class TarReader final : public Content {
 public:
  /// Yields the tar's bytes, valid until it is called again; empty at the end.
  using Source = std::function<Result<std::span<std::byte const>>()>;

  static Result<std::unique_ptr<TarReader>> open(Source source);
  TarReader(TarReader const&) = delete;
  TarReader& operator=(TarReader const&) = delete;
  ~TarReader() override;

  /// The next entry, valid until the next call; nullptr at the end.
  Result<archive_entry*> next_entry();
  /// The content of that entry.
  Result<Piece> next() override;

 private:
  explicit TarReader(Source source);

  static long read_some(archive* archive, void* self, void const** data);
  std::unexpected<Error> failure() const;

  struct Locale;
  Source source_;
  std::unique_ptr<Locale> locale_;
  archive* archive_;  // Owned.
  std::optional<Error> error_;
};

}  // namespace bh::image
