#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/isa/executor.h"

namespace bh::isa {

/// A CPU that is right but for one bit of one field in some cases: whether the comparison sees each
/// kind of fault is itself a test.
class WrongExecutor final : public Executor {
 public:
  /// Every `interval`-th case is spoiled, each time in the next kind of field. `count` is
  /// increased for each of them.
  WrongExecutor(std::unique_ptr<Executor> right, unsigned interval, std::uint64_t& count)
      : right_(std::move(right)), interval_(interval), count_(count), outcomes_(kMaxBatch) {}

  std::string_view name() const override { return "wrong"; }
  std::span<Outcome const> run(std::span<CaseInput const> cases) override;

 private:
  void spoil(Outcome& outcome);

  std::unique_ptr<Executor> right_;
  unsigned const interval_;
  std::uint64_t& count_;
  std::uint64_t case_number_ = 0;
  std::vector<Outcome> outcomes_;
};

}  // namespace bh::isa
