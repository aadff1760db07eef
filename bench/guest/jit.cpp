// What compilers at run time do: write instructions, run them, write others in their place.

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

constexpr std::size_t kArenaBytes = 256 * 1024;

/// Memory that can be written and executed.
class Arena {
 public:
  Arena()
      : bytes_(static_cast<std::uint8_t*>(::mmap(nullptr, kArenaBytes,
                                                 PROT_READ | PROT_WRITE | PROT_EXEC,
                                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (bytes_ == MAP_FAILED) give_up("mmap executable memory");
  }
  Arena(Arena const&) = delete;
  Arena& operator=(Arena const&) = delete;
  ~Arena() { ::munmap(bytes_, kArenaBytes); }

  [[nodiscard]] std::uint8_t* at(std::size_t offset) const { return bytes_ + offset; }

 private:
  std::uint8_t* bytes_;
};

using Function = std::uint32_t (*)(std::uint32_t);

/// Puts `value` as an immediate of 32 bits at `to`.
std::uint8_t* put(std::uint8_t* to, std::uint32_t value) {
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

template <std::size_t N>
std::uint8_t* put(std::uint8_t* to, std::array<std::uint8_t, N> const& bytes) {
  std::memcpy(to, bytes.data(), N);
  return to + N;
}

constexpr std::array<std::uint8_t, 1> kMoveToEax{0xb8};          // mov eax, immediate
constexpr std::array<std::uint8_t, 2> kMultiplyEdi{0x69, 0xc7};  // imul eax, edi, immediate
constexpr std::array<std::uint8_t, 1> kAddToEax{0x05};           // add eax, immediate
constexpr std::array<std::uint8_t, 1> kXorToEax{0x35};           // xor eax, immediate
constexpr std::array<std::uint8_t, 3> kRotateEax{0xc1, 0xc0, 7};
constexpr std::array<std::uint8_t, 1> kReturn{0xc3};

/// An inline cache: one instruction's immediate is changed before each call.
double patch(double seconds) {
  Arena const arena;
  std::uint8_t* const immediate = put(arena.at(0), kMoveToEax);
  put(put(immediate, 0U), kReturn);
  auto const function = reinterpret_cast<Function>(arena.at(0));
  std::uint32_t value = 0;
  std::uint32_t wrong = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      put(immediate, ++value);
      keep(value);
      wrong |= function(0) ^ value;
    }
  });
  check("jit_patch", wrong, 0);
  return rate / kThousand;
}

/// A small function written, and called a few times; each into the place of one long gone.
double generate(double seconds) {
  constexpr std::size_t kSlot = 64;
  constexpr std::uint32_t kCalls = 16;
  Arena const arena;
  std::size_t offset = 0;
  std::uint32_t number = 0;
  std::uint32_t wrong = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      ++number;
      std::uint8_t* to = put(put(arena.at(offset), kMultiplyEdi), number | 1);
      to = put(put(to, kAddToEax), number << 3);
      to = put(put(to, kXorToEax), number * 2654435761U);
      put(put(to, kRotateEax), kReturn);
      keep(number);
      auto const function = reinterpret_cast<Function>(arena.at(offset));
      for (std::uint32_t i = 0; i < kCalls; ++i) {
        auto const mixed = (i * (number | 1) + (number << 3)) ^ (number * 2654435761U);
        wrong |= function(i) ^ (mixed << 7 | mixed >> 25);
      }
      offset = (offset + kSlot) % kArenaBytes;
    }
  });
  check("jit_generate", wrong, 0);
  return rate / kThousand;
}

constexpr std::array kMetrics{
    Metric{"jit_patch", group::kJit, "kpatches/s", patch},
    Metric{"jit_generate", group::kJit, "kfunctions/s", generate},
};

}  // namespace

std::span<Metric const> jit_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
