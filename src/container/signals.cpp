#include "container/signals.h"

#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

namespace bh::container {

namespace {

/// Numbers past the real-time signals mean nothing.
constexpr int kMost = 64;

std::optional<int> named(std::string const& name) {
  for (int number = 1; number < NSIG; ++number) {
    char const* const known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  if (name == "IOT") return SIGABRT;
  if (name == "CLD") return SIGCHLD;
  return std::nullopt;
}

std::optional<int> real_time(std::string_view name) {
  int base = 0;
  if (name.starts_with("RTMIN")) base = SIGRTMIN;
  if (name.starts_with("RTMAX")) base = SIGRTMAX;
  if (base == 0) return std::nullopt;
  name.remove_prefix(5);
  if (name.empty()) return base;
  int offset = 0;
  auto const end = name.data() + name.size();
  auto const read = std::from_chars(name.data() + (name[0] == '+' ? 1 : 0), end, offset);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  int const number = base + offset;
  if (number < SIGRTMIN || number > SIGRTMAX) return std::nullopt;
  return number;
}

}  // namespace

Result<int> parse_signal(std::string_view text) {
  int number = 0;
  auto const end = text.data() + text.size();
  auto const read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc() && read.ptr == end && number >= 0 && number <= kMost) return number;
  std::string name;
  for (char const letter : text)
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  if (name.starts_with("SIG")) name.erase(0, 3);
  auto const found = named(name);
  if (found) return *found;
  auto const queued = real_time(name);
  if (queued) return *queued;
  return fail(Errc::Invalid, "\"" + std::string(text) + "\" is no signal");
}

}  // namespace bh::container
