#include "vmm/kvm/kvm_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>

#include "vmm/kvm/kvm_probe_guests.h"
#include "vmm/kvm/kvm_probe_machine.h"

namespace bh::vmm::kvm {

namespace {

using Ending = ProbeMachine::Ending;

constexpr std::uint64_t kFewestTurns = 4000;
constexpr std::uint64_t kMostTurns = kFewestTurns * 512;
// One turn is two instructions that take 0.3 to 1 ns on any CPU of the last 15 years, and some 5 ns
// where hardware virtualization is itself emulated. A host kernel that emulates kernel mode needs
// over 500 ns. Half way between, in powers.
constexpr double kHardwareSpeedNs = 50;
// The best of several: a turn on a busy host may be long, never short. It is not that busy that two
// are this much too long, as what others use of the CPU does not count.
constexpr int kAttempts = 8;
constexpr double kBeyondDoubtNs = 10 * kHardwareSpeedNs;

std::string words_of(ProbeMachine::Outcome const& outcome) {
  switch (outcome.ending) {
    case Ending::Exception: return fmt::format("raised exception {}", outcome.byte);
    case Ending::NoTime: return "did not end within 100 ms";
    case Ending::Broken: return outcome.words;
    case Ending::Reported: break;
  }
  switch (static_cast<ProbeResult>(outcome.byte)) {
    case ProbeResult::Works: return "works";
    case ProbeResult::NotOffered: return "CPUID does not offer it";
    case ProbeResult::WrongResult: break;
  }
  return "wrong result";
}

bool reported(ProbeMachine::Outcome const& outcome, ProbeResult result) {
  return outcome.ending == Ending::Reported && outcome.byte == static_cast<std::uint8_t>(result);
}

/// What entry and exit cost is measured by a loop of one turn and taken off.
ProbeStep time_loop(ProbeMachine& machine) {
  ProbeStep step{.name = "kernel-mode speed"};
  double best_entry = std::numeric_limits<double>::max();
  double best_turn = std::numeric_limits<double>::max();
  std::uint64_t turns = kFewestTurns;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto const entry = machine.run(probe_loop(), 1);
    auto const loop = machine.run(probe_loop(), turns);
    for (auto const* outcome : {&entry, &loop}) {
      if (reported(*outcome, ProbeResult::Works)) continue;
      step.detail = words_of(*outcome);
      return step;
    }
    auto const time = static_cast<double>(loop.time.count());
    best_entry = std::min(best_entry, static_cast<double>(entry.time.count()));
    best_turn = std::min(best_turn, std::max(0.0, time - best_entry) / static_cast<double>(turns));
    step.ok = best_turn < kHardwareSpeedNs;
    if (attempt > 0 && best_turn > kBeyondDoubtNs) break;
    if (!step.ok) continue;
    // Fast, but how fast is only known when the loop takes longer than coming and going.
    if (time > 3 * best_entry || turns >= kMostTurns) break;
    turns *= 8;
    best_turn = std::numeric_limits<double>::max();
  }
  step.detail = fmt::format("{:.1f} ns for a loop turn of 2 instructions (limit {:.0f} ns)",
                            best_turn, kHardwareSpeedNs);
  return step;
}

ProbeStep try_instruction(ProbeMachine& machine, ProbeTest const& test) {
  auto const outcome = machine.run(test.entry);
  bool const ok =
      reported(outcome, ProbeResult::Works) || reported(outcome, ProbeResult::NotOffered);
  return {.name = test.name, .ok = ok, .detail = words_of(outcome)};
}

std::string verdict_of(std::vector<ProbeStep> const& steps) {
  // The first two are the machine and its speed, the others instructions.
  std::string failed;
  for (auto const& step : std::span(steps).subspan(2)) {
    if (!step.ok) failed += (failed.empty() ? "" : ", ") + step.name;
  }
  if (steps[1].ok && failed.empty()) {
    return "KVM is usable: kernel mode runs at hardware speed and all instructions tried work";
  }
  std::string verdict = "KVM is not usable: ";
  if (!steps[1].ok) verdict += "kernel mode does not run at hardware speed, " + steps[1].detail;
  if (!steps[1].ok && !failed.empty()) verdict += "; ";
  if (!failed.empty()) verdict += "in kernel mode these fail: " + failed;
  return verdict;
}

}  // namespace

ProbeReport probe_kvm() {
  ProbeReport report;
  auto machine = ProbeMachine::create();
  if (!machine) {
    report.steps.push_back({.name = "scratch VM", .detail = machine.error().message});
    report.verdict = "KVM is not usable: " + machine.error().message;
    return report;
  }
  report.steps.push_back({.name = "scratch VM", .ok = true, .detail = "created"});
  report.steps.push_back(time_loop(**machine));
  for (ProbeTest const& test : probe_tests()) {
    report.steps.push_back(try_instruction(**machine, test));
  }
  report.usable = std::ranges::all_of(report.steps, &ProbeStep::ok);
  report.verdict = verdict_of(report.steps);
  return report;
}

}  // namespace bh::vmm::kvm
