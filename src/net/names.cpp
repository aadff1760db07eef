#include "net/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace bh::net {

namespace {

constexpr std::size_t kDigits = 11;
constexpr std::size_t kLongest = 32;

/// FNV-1a, 64 bits: not against who looks for two names with one hash, which check() refuses.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (char const c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100'0000'01b3;
  }
  return hash;
}

std::string device_name(std::string_view prefix, std::string_view id) {
  return fmt::format("{}{:011x}", prefix, hash_of(id) >> (64 - 4 * kDigits));
}

bool is_ours(std::string_view device, std::string_view prefix) {
  if (!device.starts_with(prefix) || device.size() != prefix.size() + kDigits) return false;
  return std::ranges::all_of(device.substr(prefix.size()), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string bridge_name(std::string_view network) {
  return device_name(kBridgePrefix, network);
}

std::string link_name(std::string_view machine, std::string_view network) {
  return device_name(kLinkPrefix, fmt::format("{}/{}", machine, network));
}

std::string name_set(std::string_view network, DomainPattern const& pattern) {
  return device_name(device_name(kNameSetPrefix, network) + "_", pattern.text());
}

MacAddress mac_of(std::string_view id) {
  auto const hash = hash_of(id);
  MacAddress mac;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    mac.bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i) & 255);
  }
  // IEEE 802: one station's, and given by us and not by a maker.
  mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & ~3U) | 2U);
  return mac;
}

bool is_our_bridge(std::string_view device) {
  return is_ours(device, kBridgePrefix);
}

bool is_our_link(std::string_view device) {
  return is_ours(device, kLinkPrefix);
}

Result<> check_name(std::string_view name) {
  auto const good = [](char c) { return is_word(c) || c == '.' || c == '_' || c == '-'; };
  if (!name.empty() && name.size() <= kLongest && is_word(name.front()) &&
      std::ranges::all_of(name, good)) {
    return {};
  }
  return fail(
      Errc::Invalid,
      fmt::format("name \"{}\": must be 1 to {} letters, digits, '.', '_' and '-', and begin "
                  "with a letter or digit",
                  name, kLongest));
}

}  // namespace bh::net
