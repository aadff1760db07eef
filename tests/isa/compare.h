#pragma once

#include <string>
#include <vector>

#include "tests/isa/case.h"
#include "tests/isa/form.h"

namespace bh::isa {

/// One field that two outcomes do not share, in words: "rax  host 0000000000000001  soft 0".
struct Difference {
  std::string field;
  std::string host;
  std::string other;
};

/// All fields that differ; empty when the outcomes agree. Only what is architectural is compared:
/// not the bytes of the FXSAVE image that are reserved or the kernel's.
std::vector<Difference> compare(Outcome const& host, Outcome const& other);

/// The outcome #UD requires: the state of before, with the exception.
std::vector<Difference> compare_with_invalid(CaseInput const& input, Outcome const& other);

}  // namespace bh::isa
