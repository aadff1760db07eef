#pragma once

#include <boost/json/fwd.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::container {

/// A value of a JSON document that knows its place, so that whoever finds it wrong can say where:
/// "linux.namespaces[2].type: expected a string, found a number". Refers to the document and to
/// the value it was reached from; both must outlive it.
class Json {
 public:
  explicit Json(boost::json::value const& root) : value_(&root) {}

  /// "process.args[0]"; empty for the document itself.
  std::string path() const;
  /// Errc::Invalid with the path in front.
  std::unexpected<Error> wrong(std::string const& words) const;

  /// Absent members and null are the same.
  Result<std::optional<Json>> member(std::string_view name) const;

  Result<> decode(std::string& out) const;
  Result<> decode(bool& out) const;
  Result<> decode_signed(std::int64_t least, std::int64_t most, std::int64_t& out) const;
  Result<> decode_unsigned(std::uint64_t most, std::uint64_t& out) const;
  /// Calls take(element) for each element of an array, which this must be.
  template <typename Take>
  Result<> each_element(Take&& take) const;
  /// Calls take(name, member) for each member of an object, which this must be.
  template <typename Take>
  Result<> each_member(Take&& take) const;

 private:
  Json(boost::json::value const& value, Json const* parent, std::string_view name,
       std::size_t index)
      : value_(&value), parent_(parent), name_(name), index_(index) {}

  Result<std::size_t> array_size() const;
  Json element(std::size_t index) const;
  Result<std::size_t> object_size() const;
  Json member_at(std::size_t index) const;
  std::string_view kind() const;

  boost::json::value const* value_;
  Json const* parent_ = nullptr;
  std::string_view name_;  // Of a member; null for an element, which has index_.
  std::size_t index_ = 0;
};

template <typename Take>
Result<> Json::each_element(Take&& take) const {
  auto const size = BH_TRY(array_size());
  for (std::size_t i = 0; i < size; ++i) {
    Json const found = element(i);
    BH_TRY(take(found));
  }
  return {};
}

template <typename Take>
Result<> Json::each_member(Take&& take) const {
  auto const size = BH_TRY(object_size());
  for (std::size_t i = 0; i < size; ++i) {
    Json const found = member_at(i);
    BH_TRY(take(found.name_, found));
  }
  return {};
}

// Found by argument-dependent lookup for every type; our own structs add overloads beside them.
inline Result<> decode(Json json, std::string& out) {
  return json.decode(out);
}
inline Result<> decode(Json json, bool& out) {
  return json.decode(out);
}

template <std::signed_integral T>
Result<> decode(Json json, T& out) {
  std::int64_t value = 0;
  BH_TRY(json.decode_signed(std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), value));
  out = static_cast<T>(value);
  return {};
}

template <std::unsigned_integral T>
Result<> decode(Json json, T& out) {
  std::uint64_t value = 0;
  BH_TRY(json.decode_unsigned(std::numeric_limits<T>::max(), value));
  out = static_cast<T>(value);
  return {};
}

template <typename T>
Result<> decode(Json json, std::optional<T>& out) {
  return decode(json, out.emplace());
}

template <typename T>
Result<> decode(Json json, std::vector<T>& out) {
  return json.each_element([&](Json element) { return decode(element, out.emplace_back()); });
}

template <typename T>
Result<> decode(Json json, std::map<std::string, T>& out) {
  return json.each_member(
      [&](std::string_view name, Json member) { return decode(member, out[std::string(name)]); });
}

/// Leaves `out` alone when the member is absent.
template <typename T>
Result<> optional_member(Json json, std::string_view name, T& out) {
  auto const found = BH_TRY(json.member(name));
  if (!found) return {};
  return decode(*found, out);
}

template <typename T>
Result<> required_member(Json json, std::string_view name, T& out) {
  auto const found = BH_TRY(json.member(name));
  if (!found) return json.wrong("\"" + std::string(name) + "\" is missing");
  return decode(*found, out);
}

}  // namespace bh::container
