#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/isa/compare.h"
#include "tests/isa/executor.h"
#include "tests/isa/plan.h"

namespace bh::isa {

/// A case whose outcomes differ.
struct Finding {
  std::string form;
  std::string mnemonic;
  std::string executor;
  CaseInput input;
  std::vector<Difference> differences;
  std::string last_words;
};

struct CampaignOptions {
  std::uint64_t seed = 1;
  unsigned cases = 16;  // Of each form.
  unsigned threads = 1;
  std::chrono::seconds time_limit{0};  // 0: none. Forms get equal shares up to it.
  std::size_t findings_kept_per_mnemonic = 3;
  bool sequences = false;  // Two to five instructions a case, the first of the form in turn.
};

struct CampaignResult {
  std::uint64_t cases = 0;
  std::uint64_t differing_cases = 0;
  std::uint64_t lost_cases = 0;     // The host's own child died or hung: nothing to compare with.
  std::uint64_t refused_cases = 0;  // #UD for what the CPUID does not offer and the host executes.
  unsigned rounds = 0;              // Complete ones: each form had that many cases.
  std::map<std::string, std::uint64_t> differing_by_mnemonic;
  std::vector<Finding> findings;

  void add(CampaignResult other, std::size_t kept_per_mnemonic);
};

using MakeExecutor = std::function<Result<std::unique_ptr<Executor>>()>;

/// Runs each form of the plan on the host and on the CPU under test and compares.
Result<CampaignResult> run_campaign(Plan const& plan, CampaignOptions const& options,
                                    MakeExecutor const& make_host, MakeExecutor const& make_other);

/// The case of form `index` in a round, the same on every run with the same campaign seed; nothing
/// if there is none in this round.
std::optional<CaseInput> make_case(Plan const& plan, std::size_t index,
                                   CampaignOptions const& options, unsigned round);

/// Compares under the form's expectation.
std::vector<Difference> judge(Expectation expectation, CaseInput const& input, Outcome const& host,
                              Outcome const& other);

}  // namespace bh::isa
