#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/error.h"
#include "image/layer_reader.h"

struct archive;

namespace bh::image {

/// Writes what it takes as a tar again, with long names as POSIX has them (pax).
class TarSink final : public LayerSink {
 public:
  using Output = std::function<Result<>(std::span<std::byte const>)>;

  static Result<std::unique_ptr<TarSink>> open(Output output);
  TarSink(TarSink const&) = delete;
  TarSink& operator=(TarSink const&) = delete;
  ~TarSink() override;

  Result<> take(Entry const& entry, Content& content) override;
  /// To be called after the last entry.
  Result<> finish();

 private:
  explicit TarSink(Output output);

  static long write_some(archive* archive, void* self, void const* data, std::size_t size);
  Result<> write_content(Entry const& entry, Content& content);
  Result<> write_zeros(std::uint64_t count);
  std::unexpected<Error> failure() const;

  Output output_;
  archive* archive_;  // Owned.
  std::optional<Error> error_;
};

}  // namespace bh::image
