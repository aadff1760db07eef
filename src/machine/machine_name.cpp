#include "machine/machine_name.h"

#include <fmt/format.h>

#include <array>
#include <random>

namespace bh::machine {

namespace {

constexpr std::array kQualities{
    "able",   "amber",  "bold",  "brave", "bright", "brisk",  "calm",    "clear",  "cool",
    "crisp",  "deep",   "eager", "even",  "fair",   "fast",   "firm",    "fresh",  "gentle",
    "glad",   "golden", "grand", "green", "hardy",  "keen",   "kind",    "light",  "lively",
    "loyal",  "lucky",  "merry", "mild",  "neat",   "noble",  "patient", "plain",  "proud",
    "quick",  "quiet",  "ready", "sharp", "silent", "silver", "smart",   "steady", "still",
    "strong", "sunny",  "swift", "warm",  "wise"};
constexpr std::array kThings{
    "anchor", "beacon",  "boat",    "bow",    "breeze", "bridge",  "buoy",  "canal",  "cape",
    "coast",  "compass", "coral",   "cove",   "crane",  "current", "deck",  "delta",  "dock",
    "ferry",  "fjord",   "galley",  "gull",   "harbor", "helm",    "hull",  "island", "jetty",
    "keel",   "lagoon",  "lantern", "mast",   "oar",    "ocean",   "pearl", "pier",   "pilot",
    "port",   "reef",    "river",   "rudder", "sail",   "sextant", "shore", "sound",  "strait",
    "tide",   "vessel",  "voyage",  "wave",   "wharf"};

std::size_t below(std::size_t limit) {
  std::random_device source;
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(source);
}

bool is_word(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9');
}

}  // namespace

Result<> check_name(std::string_view name) {
  constexpr std::size_t kLongest = 63;
  bool good = !name.empty() && name.size() <= kLongest && is_word(name[0]);
  for (char const letter : name) {
    good = good && (is_word(letter) || letter == '_' || letter == '.' || letter == '-');
  }
  if (good) return {};
  return fail(Errc::Invalid,
              fmt::format("name \"{}\": must be a letter or digit and then at most {} of letters, "
                          "digits and _ . -",
                          name, kLongest - 1));
}

std::string random_name() {
  return fmt::format("{}_{}", kQualities[below(kQualities.size())], kThings[below(kThings.size())]);
}

std::string random_id() {
  std::random_device source;
  auto const high = static_cast<std::uint64_t>(source());
  return fmt::format("{:012x}", (high << 32 | source()) & 0xffff'ffff'ffff);
}

}  // namespace bh::machine
