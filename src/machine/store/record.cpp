#include "machine/store/record.h"

#include <array>
#include <utility>

namespace bh::machine {

namespace {

constexpr std::array kStates{
    std::pair{State::Created, "created"}, std::pair{State::Running, "running"},
    std::pair{State::Paused, "paused"},   std::pair{State::Exited, "exited"},
    std::pair{State::Failed, "failed"},
};

constexpr std::array kReasons{
    std::pair{Reason::None, ""},
    std::pair{Reason::Exited, "exited"},
    std::pair{Reason::Signalled, "signalled"},
    std::pair{Reason::OutOfMemory, "oom"},
    std::pair{Reason::GuestPanic, "guest panic"},
    std::pair{Reason::NotStarted, "not started"},
    std::pair{Reason::TooManyStarts, "too many starts"},
    std::pair{Reason::SupervisorLost, "supervisor lost"},
    std::pair{Reason::Unhealthy, "unhealthy"},
};

std::string_view name_in(auto const& table, auto value) {
  for (auto const& [known, name] : table) {
    if (known == value) return name;
  }
  return {};
}

}  // namespace

std::string_view state_name(State state) {
  return name_in(kStates, state);
}

Result<State> parse_state(std::string_view text) {
  for (auto const& [state, name] : kStates) {
    if (text == name) return state;
  }
  return fail(Errc::Invalid, "state \"" + std::string(text) +
                                 "\": must be created, running, paused, exited or failed");
}

std::string_view reason_name(Reason reason) {
  return name_in(kReasons, reason);
}

Result<Reason> parse_reason(std::string_view text) {
  for (auto const& [reason, name] : kReasons) {
    if (text == name) return reason;
  }
  return fail(Errc::Corrupt, "reason \"" + std::string(text) + "\": is none that is known");
}

}  // namespace bh::machine
