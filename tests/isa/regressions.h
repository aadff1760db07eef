#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/isa/case.h"

namespace bh::isa {

/// A case kept because it once failed. A line of a file reads
///   48 0f c7 08 | rip=0x10000100 seed=12 rax=0x1 rflags=0x202 | why
/// with hex bytes, then optional fields that override what the seed generates: the general
/// registers, rflags, fs, gs (bases), fcw, fsw, ftw, mxcsr.
struct Regression {
  CaseInput input;
  std::string where;  // "file:line"
};

Result<Code> parse_code(std::string const& hex_bytes, std::uint64_t rip);
/// All *.txt of a folder, in order of their names.
Result<std::vector<Regression>> load_regressions(std::filesystem::path const& folder);

}  // namespace bh::isa
