// guest-stress: loads that go wrong soon where a CPU, or what stands in for one, has a mistake, and
// tell so. Runs in guests; a round is the same again from its seed.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr char const* kUsage =
    "usage: guest-stress KIND --seconds S --seed N\n"
    "  KIND  fork_storm, signal_storm, mapping_churn, lock_free, written_code\n";

// Told when something is wrong, also by children.
std::string_view kind_at_hand;
std::uint64_t seed_at_hand = 0;
std::uint64_t round_at_hand = 0;

[[noreturn]] void refuse(char const* what, char const* word) {
  static_cast<void>(std::fprintf(stderr, "guest-stress: %s %s\n%s", what, word, kUsage));
  std::exit(2);
}

std::uint64_t number(char const* word) {
  char* end = nullptr;
  auto const value = std::strtoull(word, &end, 10);
  if (end == word || *end != '\0') refuse("no number:", word);
  return value;
}

Kind kind_named(char const* name) {
  for (auto const& kind :
       {fork_storm(), signal_storm(), mapping_churn(), lock_free(), written_code()}) {
    if (kind.name == name) return kind;
  }
  refuse("no kind", name);
}

void run(Kind const& kind, std::uint64_t seed, std::uint64_t seconds) {
  kind_at_hand = kind.name;
  time_t const end = ::time(nullptr) + static_cast<time_t>(seconds);
  std::uint64_t rounds = 0;
  do {
    seed_at_hand = seed;
    round_at_hand = rounds;
    Random random(seed + rounds);
    kind.round(random);
    ++rounds;
  } while (::time(nullptr) < end);
  std::printf("stress %.*s seed %llu rounds %llu\n", static_cast<int>(kind.name.size()),
              kind.name.data(), static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(rounds));
}

}  // namespace

void check(std::string_view what, std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return;
  static_cast<void>(std::fprintf(
      stderr, "guest-stress: %.*s, seed %llu, round %llu: %.*s: %#llx, not %#llx\n",
      static_cast<int>(kind_at_hand.size()), kind_at_hand.data(),
      static_cast<unsigned long long>(seed_at_hand), static_cast<unsigned long long>(round_at_hand),
      static_cast<int>(what.size()), what.data(), static_cast<unsigned long long>(found),
      static_cast<unsigned long long>(expected)));
  std::exit(1);
}

void give_up(std::string_view call) {
  static_cast<void>(
      std::fprintf(stderr, "guest-stress: %.*s: %m\n", static_cast<int>(call.size()), call.data()));
  std::exit(1);
}

}  // namespace bh::stress

int main(int argc, char** argv) {
  using namespace bh::stress;
  if (argc == 3 && std::strcmp(argv[1], kWork) == 0) {
    std::printf("%016llx", static_cast<unsigned long long>(work_of(number(argv[2]))));
    return 0;
  }
  if (argc != 6 || std::strcmp(argv[2], "--seconds") != 0 || std::strcmp(argv[4], "--seed") != 0)
    refuse("needs KIND --seconds S --seed N, not", argc > 1 ? argv[1] : "nothing");
  run(kind_named(argv[1]), number(argv[5]), number(argv[3]));
  return 0;
}
