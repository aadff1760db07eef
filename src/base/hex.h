#pragma once

#include <cstdint>
#include <string>

namespace bh {

/// "0x3f8": how addresses and ports stand in messages.
inline std::string hex(std::uint64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value % 16]);
    value /= 16;
  } while (value != 0);
  return "0x" + digits;
}

}  // namespace bh
