#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace bh {

// Objects are copied as they lie in memory, and every format we read is little-endian.
static_assert(std::endian::native == std::endian::little);

/// The object at `offset`, or nothing when it does not lie wholly in `bytes`. Needs no alignment.
template <typename T>
std::optional<T> load(std::span<std::byte const> bytes, std::size_t offset = 0) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return std::nullopt;
  T object;
  std::memcpy(&object, bytes.data() + offset, sizeof object);
  return object;
}

/// Puts an object at `offset`; false and no change when it does not fit.
template <typename T>
[[nodiscard]] bool store(std::span<std::byte> bytes, std::size_t offset, T const& object) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return false;
  std::memcpy(bytes.data() + offset, &object, sizeof object);
  return true;
}

/// The number that up to 8 bytes hold; later bytes are ignored.
inline std::uint64_t load_little_endian(std::span<std::byte const> data) {
  std::uint64_t value = 0;
  std::memcpy(&value, data.data(), std::min(data.size(), sizeof value));
  return value;
}

/// Fills `data` with the low bytes of `value`, and with zeros past 8.
inline void store_little_endian(std::span<std::byte> data, std::uint64_t value) {
  std::size_t const count = std::min(data.size(), sizeof value);
  std::memcpy(data.data(), &value, count);
  std::fill(data.begin() + static_cast<std::ptrdiff_t>(count), data.end(), std::byte{0});
}

}  // namespace bh
