// Runs instruction forms on the host CPU and on the CPU under test and compares. See README.md.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "tests/isa/campaign.h"
#include "tests/isa/decode.h"
#include "tests/isa/guest_executor.h"
#include "tests/isa/host_executor.h"
#include "tests/isa/regressions.h"
#include "tests/isa/report.h"
#include "tests/isa/state_generator.h"
#include "tests/isa/wrong_executor.h"
#include "vmm/soft/soft_engine.h"

namespace {

using namespace bh;
using namespace bh::isa;

enum ExitStatus : int { kAgree = 0, kDiffer = 1, kCannotRun = 2 };

struct Options {
  CampaignOptions campaign;
  std::string against = "stepped";
  std::string only;
  std::string case_bytes;
  std::string regressions = ISA_REGRESSIONS;
  std::uint64_t rip = kCodeStart + 0x100;
  std::uint64_t state_seed = 1;
  long seconds = 0;
  bool list_forms = false;
  bool list_left_out = false;
};

Result<std::unique_ptr<Executor>> make_host() {
  auto made = BH_TRY(HostExecutor::create());
  return std::unique_ptr<Executor>(std::move(made));
}

GuestExecutor::MakeEngine soft_engine(vmm::Translate translate) {
  return [translate](vmm::GuestMemory& memory, vmm::EngineOptions options) {
    options.translate = translate;
    return vmm::soft::create_soft_engine(memory, options);
  };
}

MakeExecutor make_soft(vmm::Translate translate) {
  return [translate]() -> Result<std::unique_ptr<Executor>> {
    auto made = BH_TRY(GuestExecutor::create(soft_engine(translate)));
    return std::unique_ptr<Executor>(std::move(made));
  };
}

int complain(Error const& error) {
  std::cerr << "isa_test: " << error.message << '\n';
  return kCannotRun;
}

/// Runs single cases, for the regressions and for --case.
class Replay {
 public:
  static Result<Replay> create(MakeExecutor const& make_other) {
    Replay replay;
    replay.host_ = BH_TRY(make_host());
    replay.other_ = BH_TRY(make_other());
    return replay;
  }

  /// Nothing if they agree.
  std::optional<Finding> run(std::string name, CaseInput const& input) {
    Outcome const& host = host_->run({&input, 1}).front();
    Outcome const& other = other_->run({&input, 1}).front();
    auto differences = judge(Expectation::AsHost, input, host, other);
    if (differences.empty()) return std::nullopt;
    return Finding{std::move(name),
                   "",
                   std::string(other_->name()),
                   input,
                   std::move(differences),
                   other.ending == Ending::Exception ? "" : other_->last_words(0)};
  }

 private:
  std::unique_ptr<Executor> host_;
  std::unique_ptr<Executor> other_;
};

int run_single(Options const& options, MakeExecutor const& make_other) {
  auto const code = parse_code(options.case_bytes, options.rip);
  if (!code) return complain(code.error());
  auto replay = Replay::create(make_other);
  if (!replay) return complain(replay.error());
  auto const finding = replay->run("--case", generate_state(*code, options.state_seed));
  if (!finding) {
    std::cout << disassemble({code->bytes.data(), code->length}, code->rip) << ": agrees\n";
    return kAgree;
  }
  print_finding(std::cout, *finding);
  return kDiffer;
}

Result<std::size_t> replay_regressions(Options const& options, MakeExecutor const& make_other) {
  auto const regressions = BH_TRY(load_regressions(options.regressions));
  auto replay = BH_TRY(Replay::create(make_other));
  std::size_t differing = 0;
  for (Regression const& regression : regressions) {
    auto const finding = replay.run(regression.where, regression.input);
    if (!finding) continue;
    ++differing;
    print_finding(std::cout, *finding);
  }
  std::cout << "isa: " << regressions.size() << " regressions, " << differing << " differences\n";
  return differing;
}

Result<Plan> plan_for(Options const& options) {
  if (options.against == "host" || options.against == "wrong") {
    return make_plan(options.only, nullptr);
  }
  auto guest = BH_TRY(GuestExecutor::create(soft_engine(vmm::Translate::Off)));
  if (!guest->has_avx()) std::cout << "the engine refuses XCR0=7: AVX has to raise #UD\n";
  return make_plan(options.only, [&](std::uint32_t leaf, std::uint32_t subleaf) {
    return guest->cpuid(leaf, subleaf);
  });
}

int list(Options const& options, Plan const& plan) {
  if (options.list_forms) {
    for (Form const& form : plan.forms) std::cout << form.name() << '\n';
  }
  if (options.list_left_out) {
    for (auto const& [form, reason] : plan.left_out)
      std::cout << form.name() << ": " << reason << '\n';
  }
  return kAgree;
}

int run(Options const& options) {
  std::uint64_t spoiled = 0;
  // Sequences end in faults whose flags nothing can read: translated code keeps them on demand.
  auto const translate = options.campaign.sequences ? vmm::Translate::Exact : vmm::Translate::On;
  MakeExecutor make_other = make_soft(vmm::Translate::Off);
  if (options.against == "translated") make_other = make_soft(translate);
  if (options.against == "host") make_other = make_host;
  if (options.against == "wrong") {
    make_other = [&]() -> Result<std::unique_ptr<Executor>> {
      constexpr unsigned kInterval = 37;
      auto right = BH_TRY(make_host());
      return std::make_unique<WrongExecutor>(std::move(right), kInterval, spoiled);
    };
  }
  if (!options.case_bytes.empty()) return run_single(options, make_other);
  auto const plan = plan_for(options);
  if (!plan) return complain(plan.error());
  if (options.list_forms || options.list_left_out) return list(options, *plan);

  std::size_t regressions = 0;
  if (options.only.empty() && options.against != "wrong") {
    auto const differing = replay_regressions(options, make_other);
    if (!differing) return complain(differing.error());
    regressions = *differing;
  }
  auto const result = run_campaign(*plan, options.campaign, make_host, make_other);
  if (!result) return complain(result.error());
  print_result(std::cout, *plan, *result);
  if (result->cases == 0) return kCannotRun;
  if (result->rounds == 0) {
    std::cerr << "isa_test: the time limit came before each form had its turn\n";
    return kCannotRun;
  }
  if (options.against == "wrong") {
    std::cout << "isa: " << spoiled << " cases spoiled on purpose\n";
    return spoiled != 0 && spoiled == result->differing_cases ? kAgree : kDiffer;
  }
  return regressions + result->differing_cases == 0 ? kAgree : kDiffer;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CampaignOptions& campaign = options.campaign;
  campaign.cases = 64;
  CLI::App app{"Compares a CPU with the host's own, instruction form by instruction form"};
  app.add_option("--seed", campaign.seed, "of the whole run");
  app.add_option("--cases", campaign.cases, "of each form");
  app.add_option("--seconds", options.seconds, "stop starting cases after this; 0: never");
  app.add_option("--threads", campaign.threads)->check(CLI::Range(1, 64));
  app.add_option("--only", options.only, "mnemonic, lower case");
  app.add_option("--against", options.against, "the CPU under test")
      ->check(CLI::IsMember({"stepped", "translated", "host", "wrong"}));
  app.add_option("--findings", campaign.findings_kept_per_mnemonic, "shown for each mnemonic");
  app.add_option("--regressions", options.regressions, "folder of cases that run first");
  app.add_option("--case", options.case_bytes, "run these hex bytes only");
  app.add_option("--rip", options.rip, "where --case lies");
  app.add_option("--state-seed", options.state_seed, "of the registers of --case");
  app.add_flag("--list-forms", options.list_forms);
  app.add_flag("--list-left-out", options.list_left_out);
  app.add_flag("--sequences", campaign.sequences, "two to five instructions a case");
  CLI11_PARSE(app, argc, argv);
  campaign.time_limit = std::chrono::seconds(options.seconds);
  return run(options);
}
