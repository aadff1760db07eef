#include "machine/supervise/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "machine/control/reconcile.h"
#include "machine/network/host_networks.h"
#include "machine/store/store.h"
#include "machine/supervise/files.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/spawn.h"

namespace bh::machine {

namespace {

// What the two say to each other.
constexpr char kGoOn = 'g';
constexpr char kEnded = 'e';
constexpr char kGone = 'x';

bool say(os::UniqueFd const& socket, char word) {
  return ::send(socket.get(), &word, 1, MSG_NOSIGNAL) == 1;
}

/// False when the other end is closed.
bool hear(os::UniqueFd const& socket, char word) {
  char heard = 0;
  ssize_t count = 0;
  do {
    count = ::read(socket.get(), &heard, 1);
  } while (count < 0 && errno == EINTR);
  return count == 1 && heard == word;
}

/// This process is in its own again when it returns.
Result<os::UniqueFd> make_network_namespace() {
  constexpr char kOwn[] = "/proc/self/ns/net";
  auto const before = BH_TRY(os::open_file(kOwn, O_RDONLY));
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("make a network namespace", errno);
  auto made = os::open_file(kOwn, O_RDONLY);
  if (::setns(before.get(), CLONE_NEWNET) != 0) {
    return fail_errno("return to the host's network namespace", errno);
  }
  return made;
}

/// What this process starts is in its own pid namespace again, and not in the supervisor's.
Result<> return_to_own_processes() {
  auto const own = BH_TRY(os::open_file("/proc/self/ns/pid", O_RDONLY));
  if (::setns(own.get(), CLONE_NEWPID) == 0) return {};
  return fail_errno("return to the host's pid namespace", errno);
}

}  // namespace

std::string Tie::name_space() const {
  if (!name_space_.valid()) return {};
  return fmt::format("/proc/1/fd/{}", name_space_.get());
}

Result<> Tie::await_cards() const {
  if (!socket_.valid() || hear(socket_, kGoOn)) return {};
  return fail(Errc::Io, "its cards could not be plugged in");
}

void Tie::let_go() {
  // A keeper that was killed is made up for by the next command.
  if (socket_.valid() && say(socket_, kEnded)) (void)hear(socket_, kGone);
  socket_.reset();
}

Result<Keeper::Ends> Keeper::prepare(Isolation isolation) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return fail_errno("socketpair", errno);
  }
  Ends ends{.keeper = os::UniqueFd(pair[0]), .supervisor = os::UniqueFd(pair[1]), .name_space = {}};
  if (isolation == Isolation::Container) ends.name_space = BH_TRY(make_network_namespace());
  return ends;
}

Result<> Keeper::get_ready() {
  ends_.supervisor.reset();
  // Only the supervisor's end ends it.
  for (int const number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_IGN);
  return return_to_own_processes();
}

void Keeper::hold(std::vector<net::PublishedPort> const& ports) {
  for (auto const& port : ports) {
    auto held = net::hold_port(port);
    if (!held) {
      ports_ = std::unexpected(std::move(held).error());
      return;
    }
    ports_->push_back(std::move(*held));
  }
}

Result<> Keeper::plug_in() const {
  auto const identity = BH_TRY(os::identity_of(supervisor_));
  auto store = BH_TRY(Store::open(root_));
  auto const record = BH_TRY(store.find(id_));
  std::string space;
  if (ends_.name_space.valid()) {
    space = fmt::format("/proc/{}/fd/{}", supervisor_, ends_.name_space.get());
  }
  auto plugged = machine::plug_in(store, record, identity, space, ports_);
  if (plugged) {
    (void)say(ends_.keeper, kGoOn);
    return {};
  }
  BH_TRY(note_failure(store, record, plugged.error()));
  return plugged;
}

Result<> Keeper::note_failure(Store& store, Record const& record, Error const& error) {
  if (record.definition.remove_at_end) {
    BH_TRY(os::remove_tree(AT_FDCWD, store.folder_of(record.id)));
    return store.remove(record.id);
  }
  BH_TRY(store.set_ended(record.id, {.state = State::Failed,
                                     .exit_status = kCannotStart,
                                     .reason = Reason::NotStarted,
                                     .detail = error.message}));
  return store.release(record.id);
}

void Keeper::keep() {
  bool const ended = hear(ends_.keeper, kEnded);
  if (ended) {
    clean_up("take its cards away", settle_networks);
    ports_->clear();
    (void)say(ends_.keeper, kGone);
  }
  (void)os::wait_for(supervisor_);
  lock_.reset();
  // Else it was killed.
  if (!ended) clean_up("clean up after the supervisor", reconcile);
}

void Keeper::clean_up(std::string_view what, Result<> (*action)(Store&)) const {
  auto store = Store::open(root_);
  auto const done = store ? action(*store) : std::unexpected(store.error());
  if (!done) fmt::print(stderr, "{}: {}\n", what, done.error().message);
}

}  // namespace bh::machine
