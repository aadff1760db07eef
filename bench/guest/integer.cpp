#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "guest/metric.h"
#include "guest/rate.h"
#include "guest/sha256.h"

namespace bh::bench {

namespace {

double loop(double seconds) {
  std::uint64_t state = 88172645463325252;
  // Shifts and exclusive ors that depend on one another: the CPU's bare instruction rate.
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      keep(state);
    }
  });
  return rate / kMillion;
}

[[gnu::noinline]] std::uint64_t fibonacci(std::uint64_t n) {
  keep(n);
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

double calls(double seconds) {
  constexpr std::uint64_t kArgument = 8;
  constexpr double kCallsEach = 67;
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) {
      auto result = fibonacci(kArgument);
      keep(result);
    }
  });
  return rate * kCallsEach / kMillion;
}

template <int Kind>
[[gnu::noinline]] std::uint64_t step(std::uint64_t state) {
  return state * 6364136223846793005 + Kind;
}

double indirect_calls(double seconds) {
  using Step = std::uint64_t (*)(std::uint64_t);
  static constexpr std::array<Step, 8> kSteps{step<1>,  step<3>,  step<5>,  step<7>,
                                              step<11>, step<13>, step<17>, step<19>};
  std::uint64_t state = 1;
  // The target depends on the last result, so that no predictor learns a pattern.
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) state = kSteps[state >> 61](state);
    keep(state);
  });
  return rate / kMillion;
}

enum class Code : std::uint8_t { Push, Add, Multiply, Swap, Duplicate, Drop, Decrement, JumpBack };

struct Instruction {
  Code code;
  std::uint8_t operand;
};

// A loop of a stack machine: what an interpreter of scripts does all day.
constexpr std::array kProgram{
    Instruction{Code::Push, 3},     Instruction{Code::Duplicate, 0},
    Instruction{Code::Add, 0},      Instruction{Code::Push, 5},
    Instruction{Code::Swap, 0},     Instruction{Code::Multiply, 0},
    Instruction{Code::Push, 7},     Instruction{Code::Add, 0},
    Instruction{Code::Drop, 0},     Instruction{Code::Decrement, 0},
    Instruction{Code::JumpBack, 0},
};

/// Goes `rounds` times through kProgram.
[[gnu::noinline]] std::uint64_t interpret(std::uint64_t rounds) {
  std::array<std::uint64_t, 8> stack{rounds};
  std::size_t top = 0;
  std::size_t at = 0;
  // Or the compiler would run the program itself.
  Instruction const* program = kProgram.data();
  keep(program);
  for (;;) {
    auto const [code, operand] = program[at++];
    switch (code) {
      case Code::Push: stack[++top] = operand; break;
      case Code::Add: --top, stack[top] += stack[top + 1]; break;
      case Code::Multiply: --top, stack[top] *= stack[top + 1]; break;
      case Code::Swap: std::swap(stack[top], stack[top - 1]); break;
      case Code::Duplicate: ++top, stack[top] = stack[top - 1]; break;
      case Code::Drop: --top; break;
      case Code::Decrement: --stack[top]; break;
      case Code::JumpBack:
        if (stack[top] == 0) return stack[top + 1];
        at = operand;
        break;
    }
  }
}

double interpreter(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    auto result = interpret(count);
    keep(result);
  });
  return rate * kProgram.size() / kMillion;
}

double sha256_speed(double seconds) {
  Sha256 hash;
  Sha256::Block block{};
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) hash.add(block);
    keep(block[0]);
  });
  block[0] = hash.state()[0];
  keep(block[0]);
  return rate * sizeof block / kMillion;
}

constexpr std::array kMetrics{
    Metric{"int_loop", group::kInteger, "Mops/s", loop},
    Metric{"call_fib", group::kInteger, "Mcalls/s", calls},
    Metric{"indirect_call", group::kInteger, "Mcalls/s", indirect_calls},
    Metric{"interp_switch", group::kInteger, "Mops/s", interpreter},
    Metric{"sha256", group::kInteger, "MB/s", sha256_speed},
};

}  // namespace

std::span<Metric const> integer_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
