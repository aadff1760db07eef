// What a machine's supervisor tells the store.
#include "machine/store/store.h"

namespace bh::machine {

namespace {

// Enough to look back at, and no file that grows for ever.
constexpr char kForgetEvents[] =
    "DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - 10000";

}  // namespace

Result<> Store::note(std::string const& id, std::string_view action, std::string_view detail) {
  auto insert =
      BH_TRY(database_.prepare("INSERT INTO events (time, machine, name, action, detail)"
                               " SELECT ?2, id, name, ?3, ?4 FROM machines WHERE id = ?1"));
  insert.bind(1, id);
  insert.bind(2, now());
  insert.bind(3, action);
  insert.bind(4, detail);
  BH_TRY(insert.run());
  return database_.execute(kForgetEvents);
}

Result<> Store::add_event(Record const& machine, std::string_view action, std::string_view detail) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  BH_TRY(note(machine.id, action, detail));
  return transaction.commit();
}

Result<std::vector<Event>> Store::events_after(std::int64_t number) {
  auto query =
      BH_TRY(database_.prepare("SELECT number, time, machine, name, action, detail FROM events"
                               " WHERE number > ? ORDER BY number"));
  query.bind(1, number);
  std::vector<Event> events;
  while (true) {
    bool const more = BH_TRY(query.step());
    if (!more) return events;
    events.push_back({.number = query.number(0),
                      .time = query.number(1),
                      .machine = query.text(2),
                      .name = query.text(3),
                      .action = query.text(4),
                      .detail = query.text(5)});
  }
}

Result<> Store::set_supervisor(std::string const& id, os::ProcessIdentity const& supervisor) {
  auto update = BH_TRY(database_.prepare(
      "UPDATE machines SET supervisor = ?2, supervisor_start = ?3 WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, static_cast<std::int64_t>(supervisor.pid));
  update.bind(3, static_cast<std::int64_t>(supervisor.start_time));
  BH_TRY(update.run());
  if (database_.changed() == 0) return fail(Errc::NotFound, "no machine " + id);
  return {};
}

Result<> Store::set_running(std::string const& id, std::uint64_t restarts) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  auto update =
      BH_TRY(database_.prepare("UPDATE machines SET health = '', ready = '', state = 'running', "
                               "started = ?2, ended = NULL, exit_status = NULL,"
                               " reason = '', detail = '', restarts = ?3 WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, now());
  update.bind(3, static_cast<std::int64_t>(restarts));
  BH_TRY(update.run());
  BH_TRY(note(id, restarts == 0 ? "start" : "restart", ""));
  return transaction.commit();
}

Result<> Store::set_state(std::string const& id, State state, std::string_view action) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  auto update = BH_TRY(database_.prepare("UPDATE machines SET state = ?2 WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, state_name(state));
  BH_TRY(update.run());
  BH_TRY(note(id, action, ""));
  return transaction.commit();
}

Result<> Store::set_paused(std::string const& id, bool paused) {
  return paused ? set_state(id, State::Paused, "pause") : set_state(id, State::Running, "resume");
}

Result<> Store::set_ended(std::string const& id, End const& end) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  auto update =
      BH_TRY(database_.prepare("UPDATE machines SET health = '', ready = '', state = ?2, ended = "
                               "?3, exit_status = ?4, reason = ?5, detail = ?6"
                               " WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, state_name(end.state));
  update.bind(3, now());
  std::optional<std::int64_t> status;
  if (end.exit_status) status = *end.exit_status;
  update.bind(4, status);
  update.bind(5, reason_name(end.reason));
  update.bind(6, end.detail);
  BH_TRY(update.run());
  auto const words = end.exit_status ? "exit status " + std::to_string(*end.exit_status)
                                     : std::string(reason_name(end.reason));
  BH_TRY(note(id, end.state == State::Failed ? "fail" : "end", words));
  return transaction.commit();
}

Result<> Store::set_health(std::string const& id, HealthReport const& report,
                           std::string_view action, std::string_view detail) {
  auto transaction = BH_TRY(Transaction::begin(database_));
  auto update = BH_TRY(database_.prepare(
      "UPDATE machines SET health = ?2, ready = ?3, health_detail = ?4 WHERE id = ?1"));
  update.bind(1, id);
  update.bind(2, report.live);
  update.bind(3, report.ready);
  update.bind(4, report.detail);
  BH_TRY(update.run());
  if (!action.empty()) BH_TRY(note(id, action, detail));
  return transaction.commit();
}

Result<> Store::release(std::string const& id) {
  auto update = BH_TRY(database_.prepare(
      "UPDATE machines SET supervisor = NULL, supervisor_start = NULL WHERE id = ?1"));
  update.bind(1, id);
  return update.run();
}

}  // namespace bh::machine
