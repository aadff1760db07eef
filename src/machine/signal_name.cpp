#include "machine/signal_name.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string>

namespace bh::machine {

Result<int> parse_signal(std::string_view text) {
  constexpr int kFirst = 1;
  int number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= kFirst &&
      number <= SIGRTMAX) {
    return number;
  }
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int i = kFirst; i < SIGRTMIN; ++i) {
    auto const* const known = ::sigabbrev_np(i);
    if (known != nullptr && name == known) return i;
  }
  return fail(Errc::Invalid,
              "signal \"" + std::string(text) + "\": must be a name such as TERM, or a number");
}

}  // namespace bh::machine
