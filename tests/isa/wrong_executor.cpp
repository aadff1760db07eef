#include "tests/isa/wrong_executor.h"

#include <algorithm>

#include "tests/isa/decode.h"
#include "tests/isa/freedom.h"
#include "tests/isa/fxsave_layout.h"

namespace bh::isa {

std::span<Outcome const> WrongExecutor::run(std::span<CaseInput const> cases) {
  std::ranges::copy(right_->run(cases), outcomes_.begin());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (++case_number_ % interval_ != 0 || outcomes_[i].ending != Ending::Exception) continue;
    // What the comparison may overlook it is not expected to find.
    auto const decoded = decode(cases[i].code.bytes);
    if (decoded && has_freedoms(decoded->instruction.mnemonic)) continue;
    spoil(outcomes_[i]);
    ++count_;
  }
  return {outcomes_.data(), cases.size()};
}

void WrongExecutor::spoil(Outcome& outcome) {
  constexpr std::byte kBit{0x10};
  std::size_t const pick = static_cast<std::size_t>(case_number_ / interval_);
  switch (pick % 14) {
    case 0: outcome.gpr[pick % 16] ^= 1; break;
    case 1: outcome.gpr[pick % 16] ^= std::uint64_t{1} << 63; break;
    case 2: outcome.rip += 1; break;
    case 3: outcome.rflags ^= 0x10; break;  // AF, which is easy to get wrong.
    case 4: outcome.vector ^= 1; break;
    case 5: outcome.error_code ^= 4; break;
    case 6: outcome.fs_base ^= 0x1000; break;
    case 7: outcome.fpu.fxsave[fxsave::kStatus] ^= kBit; break;
    case 8: outcome.fpu.fxsave[fxsave::kTags] ^= kBit; break;
    case 9: outcome.fpu.fxsave[fxsave::kStack + 16 * (pick % 8) + 9] ^= kBit; break;
    case 10: outcome.fpu.fxsave[fxsave::kMxcsr] ^= kBit; break;
    case 11: outcome.fpu.fxsave[fxsave::kXmm + 16 * (pick % 16) + 15] ^= kBit; break;
    case 12: outcome.fpu.ymm_high[pick % 16][pick % 16] ^= kBit; break;
    default: outcome.memory[pick * 97 % outcome.memory.size()] ^= kBit; break;
  }
}

}  // namespace bh::isa
