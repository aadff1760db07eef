#include "tests/isa/state_generator.h"

#include "tests/isa/decode.h"
#include "tests/isa/fpu_generator.h"
#include "tests/isa/instruction_hints.h"
#include "tests/isa/memory_image.h"
#include "tests/isa/memory_plan.h"
#include "tests/isa/random.h"

namespace bh::isa {

namespace {

constexpr std::uint64_t kAlwaysOne = 1u << 1;
constexpr std::uint64_t kArithmetic = 0x8d5;  // CF PF AF ZF SF OF
constexpr std::uint64_t kTrap = 1u << 8;
constexpr std::uint64_t kInterrupts = 1u << 9;
constexpr std::uint64_t kDirection = 1u << 10;
constexpr std::uint64_t kNestedTask = 1u << 14;
constexpr std::uint64_t kIdentification = 1u << 21;

std::uint64_t generate_flags(Random& random) {
  std::uint64_t flags = kAlwaysOne | kInterrupts | (random.next() & kArithmetic);
  if (random.one_in(4)) flags |= kDirection;
  if (random.one_in(64)) flags |= kTrap;
  if (random.one_in(256)) flags |= kNestedTask;
  if (random.one_in(16)) flags |= kIdentification;
  return flags;
}

}  // namespace

CaseInput generate_state(Code const& code, std::uint64_t seed) {
  Random random(seed);
  CaseInput input;
  input.code = code;
  input.seed = seed;
  input.image = static_cast<std::uint32_t>(random.below(kImageCount));
  input.rflags = generate_flags(random);
  for (std::uint64_t& value : input.gpr) {
    value = random.one_in(6) ? any_data_address(random) : interesting_integer(random);
  }
  constexpr std::array<std::uint64_t, 4> kBases{0, 0x1000, kDataStart - 0x8000, kHighDataStart};
  input.fs_base = random.pick(kBases);
  input.gs_base = random.pick(kBases);
  input.gpr[vmm::Rsp] = any_data_address(random) & ~std::uint64_t{7};
  generate_fpu(random, input.fpu);

  // Backwards: of several instructions the first has the last word about the registers.
  auto const instructions = decode_all({code.bytes.data(), code.length}, code.rip);
  for (auto decoded = instructions.rbegin(); decoded != instructions.rend(); ++decoded) {
    prepare_operands(*decoded, random, input);
    plan_memory(*decoded, random, input);
    prepare_memory(*decoded, random, input);
  }
  return input;
}

}  // namespace bh::isa
