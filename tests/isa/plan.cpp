#include "tests/isa/plan.h"

#include "tests/isa/left_out.h"

namespace bh::isa {

std::map<std::string, std::size_t> Plan::left_out_by_reason() const {
  std::map<std::string, std::size_t> counts;
  for (auto const& [form, reason] : left_out) ++counts[reason];
  return counts;
}

Plan make_plan(std::string_view only, Cpuid const& cpuid) {
  Plan plan;
  std::set<ZydisISASet> const missing = cpuid ? sets_not_offered(cpuid) : std::set<ZydisISASet>{};
  for (Form& form : walk_forms()) {
    if (!only.empty() && (!form.decodable || only != ZydisMnemonicGetString(form.mnemonic)))
      continue;
    if (auto const reason = reason_left_out(form)) {
      plan.left_out.emplace_back(std::move(form), std::string(*reason));
      continue;
    }
    if (!form.decodable) {
      ++plan.undefined;
    } else if (cpuid && must_be_invalid(form)) {
      form.expectation = Expectation::InvalidOpcode;
      ++plan.must_be_invalid;
    } else if (missing.contains(form.isa_set)) {
      form.expectation = Expectation::AsHostOrInvalid;
      ++plan.not_offered;
      plan.sets_not_offered.insert(ZydisISASetGetString(form.isa_set));
    }
    plan.forms.push_back(std::move(form));
  }
  return plan;
}

}  // namespace bh::isa
