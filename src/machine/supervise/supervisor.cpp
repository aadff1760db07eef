#include "machine/supervise/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <random>

#include "machine/network/host_networks.h"
#include "machine/signal_name.h"
#include "machine/supervise/files.h"
#include "os/folder.h"
#include "os/unix_socket.h"

namespace bh::machine {

namespace {

using std::chrono::milliseconds;

// What a client that comes later may want to see.
constexpr std::size_t kRecent = std::size_t{64} * 1024;
// More is kept in front of no client: then the machine waits.
constexpr std::size_t kQueueLimit = std::size_t{1024} * 1024;
constexpr milliseconds kPatience{10'000};
// For clients to read the last that they are told.
constexpr milliseconds kFarewell{2'000};

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::create(Store store, Record record, Tie tie) {
  std::unique_ptr<Supervisor> supervisor(
      new Supervisor(std::move(store), std::move(record), std::move(tie)));
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int const number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  supervisor->signals_ = os::UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!supervisor->signals_.valid()) return fail_errno("signalfd", errno);
  auto* const self = supervisor.get();
  self->loop_.watch(self->signals_.get(), POLLIN, [self](short) { self->on_signal(); });
  auto const& definition = self->record_.definition;
  self->log_ = BH_TRY(LogFile::open(self->store_.folder_of(self->record_.id) + "/" + kConsoleLog,
                                    definition.log_bytes.value_or(LogFile::kDefaultBytes),
                                    definition.log_files.value_or(LogFile::kDefaultFiles)));
  BH_TRY(self->listen());
  return supervisor;
}

Supervisor::~Supervisor() = default;

Result<> Supervisor::listen() {
  auto const folder = BH_TRY(os::open_folder(store_.folder_of(record_.id)));
  // Paths of sockets are short; this one always is.
  auto const path = fmt::format("/proc/self/fd/{}/{}", folder.get(), kControlSocket);
  ::unlinkat(folder.get(), kControlSocket, 0);
  auto const mask = ::umask(0177);
  auto listener = os::listen_unix(path);
  ::umask(mask);
  if (!listener) return std::unexpected(std::move(listener).error());
  listener_ = std::move(*listener);
  loop_.watch(listener_.get(), POLLIN, [this](short) { on_client(); });
  return {};
}

void Supervisor::on_client() {
  os::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return;
  auto client = std::make_unique<Client>(std::move(socket), *this);
  auto* const key = client.get();
  clients_[key] = std::move(client);
}

void Supervisor::drop(Client& client) {
  // Whoever calls may be the client itself.
  loop_.after(milliseconds(0), [this, key = &client] {
    clients_.erase(key);
    balance();
    leave_when_told();
  });
}

void Supervisor::look_at(Client& client) {
  if (clients_.contains(&client)) client.look_again();
}

void Supervisor::on_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      reaper_.reap();
    } else {
      note_failure(stop(kPatience), "stop");
    }
  }
}

void Supervisor::start(Start start, std::function<void(Result<>)> report) {
  report_ = std::move(report);
  if (start == Start::WhenAttached) {
    waits_for_client_ = true;
    loop_.after(kPatience, [this] {
      if (waits_for_client_) finish();
    });
    tell({});
    return;
  }
  auto begun = begin_run();
  if (!begun) {
    finish();
    tell(std::move(begun));
  }
}

void Supervisor::tell(Result<> started) {
  if (auto const report = std::exchange(report_, {})) report(std::move(started));
}

Result<> Supervisor::release_start() {
  if (!std::exchange(waits_for_client_, false)) return {};
  auto begun = begin_run();
  if (!begun) finish();
  return begun;
}

Result<> Supervisor::begin_run() {
  auto const folder = store_.folder_of(record_.id);
  BH_TRY(enter_run_folder(folder));
  NotStarted refused;
  auto const wiring = BH_TRY(wiring_of(store_, record_, tie_.name_space()));
  auto secrets = BH_TRY(store_.secrets_of(record_.definition));
  auto run = start_run(record_, store_.root(), std::move(secrets), {loop_, reaper_, folder, wiring},
                       refused);
  if (!run) {
    leave_run_folder(folder);
    End end{.state = State::Failed,
            .exit_status = refused.status != 0 ? refused.status : kCannotStart,
            .reason = Reason::NotStarted,
            .detail = run.error().message};
    note_failure(store_.set_ended(record_.id, end), "note the end");
    note_failure(log_->write(Stream::Error, "bulkhead: " + end.detail + "\n"), "write the log");
    auto error = std::move(run).error();
    if (refused.status != 0) {
      error.code = refused.status == kCommandNotFound ? Errc::NotFound : Errc::Denied;
    }
    return std::unexpected(std::move(error));
  }
  run_ = std::move(*run);
  run_start_ = os::EventLoop::Clock::now();
  run_->main().on_output = [this](Stream stream, std::string_view bytes) {
    on_output(stream, bytes);
  };
  run_->on_end = [this](End const& end) {
    loop_.after(milliseconds(0), [this, end] { finish_run(end); });
  };
  BH_TRY(store_.set_running(record_.id, restarts_));
  run_->on_ready = [this] {
    watch_health();
    tell({});
  };
  if (run_->ready()) run_->on_ready();
  return {};
}

void Supervisor::watch_health() {
  auto const& definition = record_.definition;
  if (!definition.liveness && !definition.readiness) return;
  health_ = {.live = definition.liveness ? "starting" : "",
             .ready = definition.readiness ? "no" : ""};
  note_failure(store_.set_health(record_.id, health_, "", ""), "note its health");
  for (bool const live : {true, false}) {
    auto const& probe = live ? definition.liveness : definition.readiness;
    if (!probe) continue;
    probers_.push_back(std::make_unique<Prober>(
        *probe, *run_, loop_,
        [this, live](bool good, std::string const& words) { on_health(live, good, words); }));
  }
}

void Supervisor::on_health(bool live, bool good, std::string const& words) {
  auto& state = live ? health_.live : health_.ready;
  auto const before =
      std::exchange(state, live ? (good ? "healthy" : "unhealthy") : (good ? "yes" : "no"));
  health_.detail = words;
  // What was not ready at its start may never have been.
  std::string_view const action = live ? "health" : "ready";
  note_failure(store_.set_health(record_.id, health_, before == state ? "" : action, state),
               "note its health");
  bool const ends =
      live && !good && record_.definition.liveness->action == ProbeAction::Restart && run_;
  if (!ends) return;
  unhealthy_ = words;
  run_->kill();
}

void Supervisor::on_output(Stream stream, std::string_view bytes) {
  note_failure(log_->write(stream, bytes), "write the log");
  recent_ += bytes;
  if (recent_.size() > kRecent) recent_.erase(0, recent_.size() - kRecent);
  for (auto const& [key, client] : clients_) {
    if (client->attached()) client->output(stream, bytes);
  }
  balance();
}

void Supervisor::balance() {
  bool const full = std::ranges::any_of(clients_, [](auto const& entry) {
    return entry.second->attached() && entry.second->queued() > kQueueLimit;
  });
  if (run_) run_->main().hold_output(full);
}

Result<> Supervisor::stop(milliseconds patience) {
  stop_wanted_ = true;
  if (!run_) {
    loop_.cancel(restart_timer_);
    loop_.after(milliseconds(0), [this] { finish(); });
    return {};
  }
  if (paused_) BH_TRY(set_paused(false));
  auto const& name = record_.definition.stop_signal;
  int const number = BH_TRY(parse_signal(name.empty() ? "TERM" : name));
  run_->main().signal(number);
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.after(patience, [this] {
    if (run_) run_->kill();
  });
  return {};
}

Result<> Supervisor::signal(int number) {
  if (!run_) return fail(Errc::Busy, "it is between two runs (`bulkhead stop` ends it)");
  if (number == SIGKILL) {
    stop_wanted_ = true;
    run_->kill();
  } else {
    run_->main().signal(number);
  }
  return {};
}

Result<> Supervisor::set_paused(bool paused) {
  if (!run_) return fail(Errc::Busy, "it is between two runs");
  if (paused == paused_) {
    return fail(Errc::Busy, paused ? "it is paused already" : "it is not paused");
  }
  if (paused) BH_TRY(run_->pause());
  if (!paused) BH_TRY(run_->resume());
  paused_ = paused;
  for (auto const& prober : probers_) prober->pause(paused);
  return store_.set_paused(record_.id, paused);
}

Result<> Supervisor::reload() {
  auto const stored = BH_TRY(store_.find(record_.id));
  auto const before = std::exchange(record_.definition, stored.definition);
  bool const same =
      before.memory_mib == stored.definition.memory_mib && before.cpus == stored.definition.cpus;
  if (same || !run_) return {};
  return run_->set_limits(stored.definition);
}

void Supervisor::finish_run(End end) {
  loop_.cancel(kill_timer_);
  note_failure(log_->flush(), "write the log");
  probers_.clear();
  auto const unhealthy = std::exchange(unhealthy_, std::nullopt);
  if (unhealthy) {
    end.reason = Reason::Unhealthy;
    end.detail = *unhealthy;
  }
  run_.reset();
  paused_ = false;
  leave_run_folder(store_.folder_of(record_.id));
  int const status = end.exit_status.value_or(kCannotStart);
  auto const lasted =
      std::chrono::duration_cast<milliseconds>(os::EventLoop::Clock::now() - run_start_);
  std::optional<milliseconds> delay;
  bool const again = !stop_wanted_ && end.state != State::Failed &&
                     (unhealthy || record_.definition.restart.wants_restart(status, restarts_));
  if (again) {
    delay = back_off_.next(lasted, std::random_device()());
    if (!delay) {
      end.state = State::Failed;
      end.reason = Reason::TooManyStarts;
      end.detail = fmt::format("it ended within 10 s of its start {} times in a row",
                               BackOff::kMostShortRuns + 1);
    }
  }
  note_failure(store_.set_ended(record_.id, end), "note the end");
  if (!delay) {
    finish();
  } else {
    restart_later(*delay);
  }
  if (end.reason == Reason::NotStarted) {
    tell(fail(Errc::Io, "it could not be started: " + end.detail));
  } else {
    tell({});
  }
  for (auto const& [key, client] : clients_) client->run_ended(status);
  leave_when_told();
}

void Supervisor::restart_later(milliseconds delay) {
  restart_timer_ = loop_.after(delay, [this] {
    ++restarts_;
    run_start_ = os::EventLoop::Clock::now();
    if (auto const begun = begin_run(); !begun) {
      End const end{.state = State::Failed,
                    .exit_status = kCannotStart,
                    .reason = Reason::NotStarted,
                    .detail = begun.error().message};
      finish_run(end);
    }
  });
}

void Supervisor::finish() {
  if (std::exchange(leaving_, true)) return;
  auto const folder = store_.folder_of(record_.id);
  if (record_.definition.remove_at_end) {
    note_failure(os::remove_tree(AT_FDCWD, folder), "remove its folder");
    note_failure(store_.remove(record_.id), "remove it");
    note_failure(store_.remove_anonymous_volumes(record_.definition), "remove its volumes");
  } else {
    ::unlink((folder + "/" + kControlSocket).c_str());
    note_failure(store_.release(record_.id), "let it go");
  }
  // Who is told of the end finds ports and addresses free.
  tie_.let_go();
  loop_.forget(listener_.get());
  for (auto const& [key, client] : clients_) client->machine_ended();
  loop_.after(kFarewell, [this] { loop_.stop(); });
  leave_when_told();
}

void Supervisor::leave_when_told() {
  if (leaving_ && clients_.empty()) loop_.stop();
}

Result<> Supervisor::serve() {
  auto done = loop_.run();
  probers_.clear();
  run_.reset();
  return done;
}

void Supervisor::note_failure(Result<> const& done, std::string_view action) {
  // To the log of this program: nobody waits for an answer.
  if (!done) fmt::print(stderr, "{}: {}\n", action, done.error().message);
}

}  // namespace bh::machine
