#include "tests/isa/sequence_generator.h"

#include <algorithm>

#include "tests/isa/code_generator.h"
#include "tests/isa/decode.h"
#include "tests/isa/freedom.h"

namespace bh::isa {

namespace {

bool is_branch(Form const& form) {
  switch (form.category) {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET: return true;
    default: return false;
  }
}

Form const& pick(std::span<Form const> forms, Form const& otherwise, Random& random) {
  for (int attempt = 0; attempt < 64; ++attempt) {
    Form const& form = forms[random.below(forms.size())];
    if (fits_sequence(form)) return form;
  }
  return otherwise;
}

bool leads_back(Code const& piece, Code const& sequence) {
  auto const decoded = decode({piece.bytes.data(), piece.length}, piece.rip);
  if (!decoded || !decoded->instruction.raw.imm[0].is_relative) return false;
  std::uint64_t const target =
      decoded->next_rip + static_cast<std::uint64_t>(decoded->instruction.raw.imm[0].value.s);
  return target - sequence.rip < sequence.length + std::uint64_t{piece.length};
}

}  // namespace

bool fits_sequence(Form const& form) {
  // A POPF that sets AC would turn alignment checking on, which the engine does not have.
  bool const pops_flags =
      form.mnemonic == ZYDIS_MNEMONIC_POPF || form.mnemonic == ZYDIS_MNEMONIC_POPFQ;
  return form.decodable && form.expectation == Expectation::AsHost &&
         !changes_freely(form.mnemonic) && !pops_flags;
}

Code generate_sequence(std::span<Form const> forms, Form const& first, Random& random) {
  Code sequence;
  // Most inside of one page, some across the border.
  sequence.rip = random.one_in(6) ? kCodeStart + kPage - random.below(40)
                                  : kCodeStart + 0x100 + random.below(0xe00);
  std::uint64_t const count = 2 + random.below(4);
  Form const* form = &first;
  for (std::uint64_t i = 0; i < count; ++i) {
    Code const piece = generate_code(*form, random, sequence.rip + sequence.length);
    bool const fits = sequence.length + std::size_t{piece.length} <= sequence.bytes.size();
    if (!fits || leads_back(piece, sequence)) break;
    std::copy_n(piece.bytes.begin(), piece.length, sequence.bytes.begin() + sequence.length);
    sequence.length = static_cast<std::uint8_t>(sequence.length + piece.length);
    if (is_branch(*form)) break;
    form = &pick(forms, first, random);
  }
  if (sequence.length == 0) sequence = generate_code(first, random);
  return sequence;
}

}  // namespace bh::isa
