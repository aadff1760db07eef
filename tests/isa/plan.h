#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/isa/cpuid_features.h"
#include "tests/isa/form.h"

namespace bh::isa {

/// Which forms are run, with which expectation, and which are not, by reason.
struct Plan {
  std::vector<Form> forms;
  std::vector<std::pair<Form, std::string>> left_out;
  std::size_t must_be_invalid = 0;
  std::size_t not_offered = 0;
  std::set<std::string> sets_not_offered;
  std::size_t undefined = 0;  // Byte strings that are no instruction.

  std::map<std::string, std::size_t> left_out_by_reason() const;
};

/// `only`: a mnemonic, or empty for all. `cpuid` null: the CPU under test is the host's equal.
Plan make_plan(std::string_view only, Cpuid const& cpuid);

}  // namespace bh::isa
