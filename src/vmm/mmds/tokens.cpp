#include "vmm/mmds/tokens.h"

#include <sys/random.h>

#include <array>

namespace bh::vmm::mmds {

std::string Tokens::create(std::uint64_t seconds, Time now) {
  std::array<std::uint8_t, 32> bytes{};
  // So few bytes never fail once the host has booted.
  [[maybe_unused]] ssize_t const count = ::getrandom(bytes.data(), bytes.size(), 0);
  std::string text;
  for (auto const byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  if (tokens_.size() == kMost) tokens_.pop_front();
  tokens_.push_back({text, now + std::chrono::seconds(seconds)});
  return text;
}

bool Tokens::valid(std::string_view token, Time now) const {
  for (auto const& known : tokens_) {
    if (known.text.size() != token.size()) continue;
    // All of it is compared, so that the time says nothing of where it differs.
    unsigned difference = 0;
    for (std::size_t i = 0; i < token.size(); ++i) difference |= known.text[i] ^ token[i];
    if (difference == 0) return now < known.end;
  }
  return false;
}

}  // namespace bh::vmm::mmds
