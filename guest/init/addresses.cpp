#include "init/addresses.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace bh::init {

bool parse_address(std::string_view text, in_addr& address) {
  std::array<char, INET_ADDRSTRLEN> bytes{};
  if (text.size() >= bytes.size()) return false;
  text.copy(bytes.data(), text.size());
  return ::inet_pton(AF_INET, bytes.data(), &address) == 1;
}

bool parse_interface_address(std::string_view text, in_addr& address, in_addr& mask) {
  constexpr unsigned kBits = 32;
  auto const slash = text.find('/');
  if (slash == text.npos || !parse_address(text.substr(0, slash), address)) return false;
  auto const digits = text.substr(slash + 1);
  unsigned length = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  bool const whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || length == 0 || length > kBits) return false;
  mask.s_addr = htonl(~std::uint32_t{0} << (kBits - length));
  return true;
}

}  // namespace bh::init
