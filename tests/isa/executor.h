#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tests/isa/case.h"

namespace bh::isa {

/// Something that runs cases: the host CPU, an engine, or (in the self-check) a wrong CPU.
/// One thread each.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual std::string_view name() const = 0;

  /// Outcome i belongs to case i. The span stays valid until the next run(). At most kMaxBatch.
  virtual std::span<Outcome const> run(std::span<CaseInput const> cases) = 0;

  /// What was said about case `index` of the last run() if it did not end in an exception.
  virtual std::string last_words(std::size_t /*index*/) const { return {}; }
};

inline constexpr std::size_t kMaxBatch = 64;

}  // namespace bh::isa
