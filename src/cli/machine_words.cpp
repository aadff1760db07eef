#include "cli/machine_words.h"

#include <fmt/format.h>

#include "cli/image_options.h"

namespace bh::cli {

namespace {

/// "5 minutes" of "5 minutes ago".
std::string duration_since(machine::Time time) {
  constexpr std::string_view kAgo = " ago";
  auto const age = age_of(machine::rfc3339(time));
  return age.ends_with(kAgo) ? age.substr(0, age.size() - kAgo.size()) : age;
}

/// " (healthy, not ready)": what probes say.
std::string health_words(machine::Record const& record) {
  auto words = record.health.live == "starting" ? "health: starting" : record.health.live;
  if (record.health.ready == "no") words += words.empty() ? "not ready" : ", not ready";
  return words.empty() ? "" : " (" + words + ")";
}

}  // namespace

std::string status_words(machine::Record const& record) {
  using machine::State;
  switch (record.state) {
    case State::Created: return "Created";
    case State::Running: return "Up " + duration_since(record.started) + health_words(record);
    case State::Paused: return "Up " + duration_since(record.started) + " (paused)";
    case State::Exited:
    case State::Failed: break;
  }
  auto const age = age_of(machine::rfc3339(record.ended));
  auto const why = record.exit_status.value_or(0);
  if (record.supervisor) return fmt::format("Restarting ({}) {}", why, age);
  if (record.state == State::Exited) return fmt::format("Exited ({}) {}", why, age);
  return fmt::format("Failed ({}) {}", machine::reason_name(record.reason), age);
}

std::string command_words(machine::Definition const& definition) {
  auto words = definition.entrypoint.value_or("");
  for (auto const& word : definition.command) words += (words.empty() ? "" : " ") + word;
  return words;
}

}  // namespace bh::cli
