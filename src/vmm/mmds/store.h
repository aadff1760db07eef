#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "vmm/api/device_config.h"

namespace bh::vmm::mmds {

/// What a guest can read about itself: a JSON object the API sets. Any thread.
class Store {
 public:
  /// `limit` is of the serialized object, in bytes.
  explicit Store(std::size_t limit) : limit_(limit) {}

  /// Replaces all of it. Errc::Invalid unless `json` is an object; Errc::Denied if it is too large.
  Result<> put(std::string_view json);
  /// Merges as RFC 7396 says. Errc::NotFound before the first put().
  Result<> patch(std::string_view json);
  /// JSON text; "{}" if there is nothing.
  std::string json() const;

  enum class Format : std::uint8_t { Imds, Json };
  /// What stands at `path` ("/latest/meta-data"): as JSON, or as text, which for an object is its
  /// names, one a line, with a "/" after those of objects. Errc::NotFound if there is nothing;
  /// Errc::Unsupported for a value that has no text.
  Result<std::string> lookup(std::string_view path, Format format) const;

 private:
  Result<> replace(boost::json::value value) BH_REQUIRES(mutex_);

  std::size_t const limit_;
  mutable Mutex mutex_;
  boost::json::value root_ BH_GUARDED_BY(mutex_);
};

}  // namespace bh::vmm::mmds
