#include "tests/isa/report.h"

#include <fmt/format.h>

#include <ostream>

#include "tests/isa/decode.h"
#include "tests/isa/fxsave_layout.h"
#include "tests/isa/register_names.h"

namespace bh::isa {

namespace {

std::string hex_bytes(Code const& code) {
  std::string text;
  for (unsigned i = 0; i < code.length; ++i)
    text += fmt::format("{}{:02x}", i == 0 ? "" : " ", code.bytes[i]);
  return text;
}

template <typename T>
T read_fxsave(CaseInput const& input, std::size_t at) {
  T value;
  std::memcpy(&value, input.fpu.fxsave.data() + at, sizeof value);
  return value;
}

}  // namespace

void print_finding(std::ostream& out, Finding const& finding) {
  CaseInput const& input = finding.input;
  std::span const bytes(input.code.bytes.data(), input.code.length);
  out << fmt::format("--- {} | {}\n", disassemble(bytes, input.code.rip), finding.form);
  out << fmt::format("    isa_test --case \"{}\" --rip {:#x} --state-seed {}\n",
                     hex_bytes(input.code), input.code.rip, input.seed);
  for (std::size_t i = 0; i < input.gpr.size(); ++i) {
    out << fmt::format("{}{:>3} {:016x}", i % 4 == 0 ? "    " : "  ", kRegisterNames[i],
                       input.gpr[i]);
    if (i % 4 == 3) out << '\n';
  }
  out << fmt::format(
      "    flags {}  fs {:x}  gs {:x}  fcw {:04x} fsw {:04x} ftw {:02x} mxcsr {:04x}\n",
      describe_flags(input.rflags), input.fs_base, input.gs_base,
      read_fxsave<std::uint16_t>(input, fxsave::kControl),
      read_fxsave<std::uint16_t>(input, fxsave::kStatus),
      read_fxsave<std::uint8_t>(input, fxsave::kTags),
      read_fxsave<std::uint32_t>(input, fxsave::kMxcsr));
  constexpr std::size_t kShown = 12;
  for (std::size_t i = 0; i < finding.differences.size() && i < kShown; ++i) {
    Difference const& difference = finding.differences[i];
    out << fmt::format("  ! {:<14} host {}  {} {}\n", difference.field, difference.host,
                       finding.executor, difference.other);
  }
  if (finding.differences.size() > kShown) {
    out << fmt::format("  ! and {} more fields\n", finding.differences.size() - kShown);
  }
  if (!finding.last_words.empty()) out << "  ! " << finding.last_words << '\n';
}

void print_result(std::ostream& out, Plan const& plan, CampaignResult const& result) {
  for (Finding const& finding : result.findings) print_finding(out, finding);
  if (!result.differing_by_mnemonic.empty()) {
    out << "differing cases by mnemonic:";
    for (auto const& [mnemonic, count] : result.differing_by_mnemonic)
      out << ' ' << mnemonic << ':' << count;
    out << '\n';
  }
  for (auto const& [reason, count] : plan.left_out_by_reason()) {
    out << fmt::format("left out: {:4} forms: {}\n", count, reason);
  }
  if (!plan.sets_not_offered.empty()) {
    out << "not in the guest's CPUID:";
    for (std::string const& set : plan.sets_not_offered) out << ' ' << set;
    out << fmt::format(": {} cases refused that the host executes\n", result.refused_cases);
  }
  if (result.lost_cases != 0)
    out << fmt::format("lost: {} cases that killed the host's child\n", result.lost_cases);
  out << fmt::format(
      "of these forms {} have to be #UD, {} are not in the guest's CPUID, {} are no instructions; "
      "{} rounds\n",
      plan.must_be_invalid, plan.not_offered, plan.undefined, result.rounds);
  out << fmt::format("isa: {} forms, {} cases, {} differences, {} left out\n", plan.forms.size(),
                     result.cases, result.differing_cases, plan.left_out.size());
}

}  // namespace bh::isa
