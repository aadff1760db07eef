#include "net/name_sets.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <type_traits>

#include "net/names.h"

namespace bh::net {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

template <typename T>
T const* member(object const* of, std::string_view name) {
  auto const* const found = of == nullptr ? nullptr : of->if_contains(name);
  if (found == nullptr) return nullptr;
  if constexpr (std::is_same_v<T, object>) return found->if_object();
  if constexpr (std::is_same_v<T, array>) return found->if_array();
  if constexpr (std::is_same_v<T, boost::json::string>) return found->if_string();
}

/// One is an address, or an object that has it and how long it stays.
Result<Ipv4Address> address_of(value const& element) {
  auto const* const inner = member<object>(element.if_object(), "elem");
  auto const* const text =
      inner == nullptr ? element.if_string() : member<boost::json::string>(inner, "val");
  if (text == nullptr) return fail(Errc::Corrupt, "read the firewall: a set has no addresses");
  return Ipv4Address::parse(std::string_view(*text));
}

}  // namespace

Result<NameSets> parse_name_sets(std::string_view text) {
  boost::system::error_code error;
  auto const json = boost::json::parse({text.data(), text.size()}, error);
  auto const* const entries = error ? nullptr : member<array>(json.if_object(), "nftables");
  if (entries == nullptr) return fail(Errc::Corrupt, "read the firewall: no list of its sets");
  NameSets sets;
  for (auto const& entry : *entries) {
    auto const* const set = member<object>(entry.if_object(), "set");
    auto const* const name = member<boost::json::string>(set, "name");
    if (name == nullptr || !name->starts_with(kNameSetPrefix)) continue;
    auto& addresses = sets[std::string(*name)];
    auto const* const elements = member<array>(set, "elem");
    if (elements == nullptr) continue;
    for (auto const& element : *elements) {
      auto const address = BH_TRY(address_of(element));
      addresses.insert(address);
    }
  }
  return sets;
}

}  // namespace bh::net
