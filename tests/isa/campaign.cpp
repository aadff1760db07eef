#include "tests/isa/campaign.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/isa/code_generator.h"
#include "tests/isa/freedom.h"
#include "tests/isa/sequence_generator.h"
#include "tests/isa/state_generator.h"

namespace bh::isa {

namespace {

// Byte strings that are no instruction outnumber the forms and have little to vary.
constexpr unsigned kUndefinedShare = 16;

// The end of the last code page cuts the instruction off.
bool is_cut_off(Code const& code) {
  return code.rip + code.length > kCodeStart + kCodeSize;
}

bool is_near_end(Code const& code) {
  return code.rip + ZYDIS_MAX_INSTRUCTION_LENGTH > kCodeStart + kCodeSize;
}

bool fails_to_decode(Outcome const& outcome) {
  constexpr std::uint32_t kFetch = 1u << 4;
  return outcome.vector == kInvalidOpcode ||
         (outcome.vector == kPageFault && (outcome.error_code & kFetch) != 0);
}

// An opcode may be found invalid before its last byte is missed, or not; how long an invalid
// opcode is, nobody says.
bool disagree_whether_cut_off(Outcome const& host, Outcome const& other) {
  return host.vector != other.vector && host.rip == other.rip && fails_to_decode(host) &&
         fails_to_decode(other);
}

/// Hands out (round, first form) pairs to the threads, round after round.
class WorkQueue {
 public:
  WorkQueue(std::size_t forms, CampaignOptions const& options)
      : chunks_((forms + kMaxBatch - 1) / kMaxBatch),
        rounds_(options.cases),
        limited_(options.time_limit.count() != 0),
        end_(std::chrono::steady_clock::now() + options.time_limit) {}

  struct Item {
    unsigned round;
    std::size_t first;
  };
  std::optional<Item> take() {
    std::uint64_t const next = next_++;
    auto const round = static_cast<unsigned>(next / chunks_);
    if (chunks_ == 0 || round >= rounds_) return std::nullopt;
    if (limited_ && std::chrono::steady_clock::now() > end_) return std::nullopt;
    done_ = next + 1;
    return Item{round, (next % chunks_) * kMaxBatch};
  }
  unsigned complete_rounds() const {
    return chunks_ == 0 ? 0 : static_cast<unsigned>(done_ / chunks_);
  }

 private:
  std::size_t const chunks_;
  unsigned const rounds_;
  bool const limited_;
  std::chrono::steady_clock::time_point const end_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> done_{0};
};

/// One thread's part: its own child of the host, its own engine.
class Worker {
 public:
  Worker(Plan const& plan, CampaignOptions const& options, std::unique_ptr<Executor> host,
         std::unique_ptr<Executor> other)
      : plan_(plan), options_(options), host_(std::move(host)), other_(std::move(other)) {}

  void run(WorkQueue& queue) {
    while (auto const item = queue.take()) run_chunk(*item);
  }
  CampaignResult take_result() { return std::move(result_); }

 private:
  void run_chunk(WorkQueue::Item const& item) {
    std::vector<Form const*> forms;
    std::vector<CaseInput> cases;
    std::size_t const end = std::min(item.first + kMaxBatch, plan_.forms.size());
    for (std::size_t i = item.first; i < end; ++i) {
      auto input = make_case(plan_, i, options_, item.round);
      if (!input) continue;
      forms.push_back(&plan_.forms[i]);
      cases.push_back(std::move(*input));
    }
    if (cases.empty()) return;
    auto const host = host_->run(cases);
    auto const other = other_->run(cases);
    for (std::size_t i = 0; i < cases.size(); ++i)
      look_at(*forms[i], cases[i], host[i], other[i], i);
  }

  void look_at(Form const& form, CaseInput const& input, Outcome const& host, Outcome const& other,
               std::size_t index) {
    ++result_.cases;
    if (host.ending != Ending::Exception) {
      ++result_.lost_cases;
      return;
    }
    bool const may_refuse = form.expectation == Expectation::AsHostOrInvalid;
    if (may_refuse && other.vector == kInvalidOpcode && host.vector != kInvalidOpcode) {
      ++result_.refused_cases;
    }
    auto differences = judge(form.expectation, input, host, other);
    if (differences.empty()) return;
    CampaignResult found;
    found.differing_cases = 1;
    std::string const mnemonic =
        form.decodable ? ZydisMnemonicGetString(form.mnemonic) : "(undefined)";
    found.differing_by_mnemonic[mnemonic] = 1;
    found.findings.push_back({form.name(), mnemonic, std::string(other_->name()), input,
                              std::move(differences),
                              other.ending == Ending::Exception ? "" : other_->last_words(index)});
    result_.add(std::move(found), options_.findings_kept_per_mnemonic);
  }

  Plan const& plan_;
  CampaignOptions const& options_;
  std::unique_ptr<Executor> host_;
  std::unique_ptr<Executor> other_;
  CampaignResult result_;
};

}  // namespace

void CampaignResult::add(CampaignResult other, std::size_t kept_per_mnemonic) {
  cases += other.cases;
  differing_cases += other.differing_cases;
  lost_cases += other.lost_cases;
  refused_cases += other.refused_cases;
  for (auto const& [mnemonic, count] : other.differing_by_mnemonic)
    differing_by_mnemonic[mnemonic] += count;
  for (Finding& finding : other.findings) {
    std::size_t kept = 0;
    for (Finding const& known : findings) kept += known.mnemonic == finding.mnemonic ? 1 : 0;
    if (kept < kept_per_mnemonic) findings.push_back(std::move(finding));
  }
}

std::optional<CaseInput> make_case(Plan const& plan, std::size_t index,
                                   CampaignOptions const& options, unsigned round) {
  Form const& form = plan.forms[index];
  if (!form.decodable && (round + index) % kUndefinedShare != 0) return std::nullopt;
  Random random(options.seed ^ (form.identity * 0x9e37'79b9'7f4a'7c15) ^
                (std::uint64_t{round} << 40));
  if (!options.sequences) return generate_state(generate_code(form, random), random.next());
  if (!fits_sequence(form)) return std::nullopt;
  return generate_state(generate_sequence(plan.forms, form, random), random.next());
}

std::vector<Difference> judge(Expectation expectation, CaseInput const& input, Outcome const& host,
                              Outcome const& other) {
  if (expectation == Expectation::InvalidOpcode && !is_cut_off(input.code)) {
    return compare_with_invalid(input, other);
  }
  auto differences = compare(host, other);
  if (differences.empty() || other.ending != Ending::Exception) return differences;
  if (is_near_end(input.code) && disagree_whether_cut_off(host, other)) return {};
  if (expectation == Expectation::AsHostOrInvalid && compare_with_invalid(input, other).empty()) {
    return {};
  }
  auto equalized = std::make_unique<Outcome>(other);
  equalize_freedoms(input, host, *equalized);
  return compare(host, *equalized);
}

Result<CampaignResult> run_campaign(Plan const& plan, CampaignOptions const& options,
                                    MakeExecutor const& make_host, MakeExecutor const& make_other) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < options.threads; ++i) {
    auto host = BH_TRY(make_host());
    auto other = BH_TRY(make_other());
    workers.push_back(std::make_unique<Worker>(plan, options, std::move(host), std::move(other)));
  }
  WorkQueue queue(plan.forms.size(), options);
  {
    std::vector<std::jthread> threads;
    for (auto const& worker : workers) threads.emplace_back([&] { worker->run(queue); });
  }
  CampaignResult result;
  for (auto const& worker : workers)
    result.add(worker->take_result(), options.findings_kept_per_mnemonic);
  result.rounds = queue.complete_rounds();
  return result;
}

}  // namespace bh::isa
