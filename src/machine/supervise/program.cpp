#include "machine/supervise/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "image/build/overlay.h"
#include "machine/copy/in_container.h"
#include "machine/store/store.h"
#include "machine/supervise/files.h"
#include "machine/supervise/keeper.h"
#include "machine/supervise/probe_port.h"
#include "machine/supervise/supervisor.h"
#include "os/file_lock.h"
#include "os/folder.h"
#include "os/spawn.h"
#include "os/text_file.h"
#include "os/user_namespace.h"

namespace bh::machine {

namespace {

constexpr int kReport = 3;

void report(Result<> done) {
  boost::json::object json;
  if (!done) {
    json = {{"error", done.error().message}, {"code", static_cast<int>(done.error().code)}};
  }
  auto const text = boost::json::serialize(json);
  // Who asked may be gone, and the machine runs all the same.
  [[maybe_unused]] auto const written = ::write(kReport, text.data(), text.size());
  ::close(kReport);
}

/// Who ended a moment ago may still be on its way out.
Result<os::FileLock> lock(std::string const& folder) {
  constexpr int kTries = 200;
  constexpr std::chrono::milliseconds kPause{10};
  for (int i = 0; i < kTries; ++i) {
    auto found = BH_TRY(
        os::FileLock::try_lock(AT_FDCWD, folder + "/" + kSupervisorLock, os::LockKind::Exclusive));
    if (found) return std::move(*found);
    std::this_thread::sleep_for(kPause);
  }
  return fail(Errc::Busy, "it is running already");
}

/// Standard files of our own: nothing, and a file for what nobody is there to be told.
Result<> redirect_output(std::string const& folder) {
  auto const log = BH_TRY(
      os::open_at(AT_FDCWD, folder + "/" + kSupervisorLog, O_WRONLY | O_CREAT | O_APPEND, 0600));
  ::dup2(log.get(), STDERR_FILENO);
  return {};
}

/// What has to be known while there is one process only: no database survives a fork.
struct Subject {
  std::string folder;
  Isolation isolation = Isolation::Microvm;
  bool has_cards = false;
  std::vector<net::PublishedPort> ports;
};

Result<Subject> look_up(std::string const& root, std::string const& id) {
  auto store = BH_TRY(Store::open(root));
  auto const record = BH_TRY(store.find(id));
  auto const cards = BH_TRY(store.cards_of(record.id));
  return Subject{.folder = store.folder_of(record.id),
                 .isolation = record.definition.isolation,
                 .has_cards = !cards.empty(),
                 .ports = record.definition.ports};
}

/// In the caller's place goes on a process that nobody waits for.
Result<> step_aside() {
  pid_t const child = ::fork();
  if (child < 0) return fail_errno("fork", errno);
  if (child > 0) ::_exit(0);
  if (::setsid() < 0) return fail_errno("setsid", errno);
  return {};
}

[[noreturn]] void keep(Keeper keeper, std::vector<net::PublishedPort> const& ports) {
  ::prctl(PR_SET_NAME, "bulkhead-keep");
  auto const ready = keeper.get_ready();
  keeper.hold(ports);
  // The libraries that make networks stay in no process that only waits.
  pid_t const child = ready ? ::fork() : 0;
  if (child == 0) {
    auto const plugged = ready ? keeper.plug_in() : ready;
    if (!plugged) report(std::unexpected(plugged.error()));
    ::_exit(plugged ? 0 : 1);
  }
  // What is to be said now the supervisor says.
  ::close(kReport);
  auto const status = os::wait_for(child);
  if (status && *status == 0) keeper.keep();
  ::_exit(0);
}

struct Detached {
  os::FileLock lock;
  Tie tie;
};

/// The first process of a pid namespace: when it ends, whatever ends it, the kernel kills all that
/// is in there. In the caller's place goes on only that process, and a keeper if the machine has
/// cards. Without root a container has all that in a user namespace, and a microVM has none of it:
/// its one process is bound to us by PR_SET_PDEATHSIG.
Result<Detached> detach(std::string const& root, std::string const& id) {
  auto const subject = BH_TRY(look_up(root, id));
  if (subject.has_cards) BH_TRY(step_aside());
  BH_TRY(os::make_folders(subject.folder, 0700));
  auto own_lock = BH_TRY(lock(subject.folder));
  BH_TRY(redirect_output(subject.folder));
  if (subject.isolation == Isolation::Container && ::geteuid() != 0) {
    auto const ids = BH_TRY(os::own_ids());
    BH_TRY(os::enter_user_namespace(ids));
  }
  Keeper::Ends ends;
  if (subject.has_cards) ends = BH_TRY(Keeper::prepare(subject.isolation));
  if (::unshare(CLONE_NEWPID) != 0 && errno != EPERM) return fail_errno("unshare", errno);
  pid_t const child = ::fork();
  if (child < 0) return fail_errno("fork", errno);
  if (child > 0 && !subject.has_cards) ::_exit(0);
  if (child > 0) keep({root, id, std::move(ends), std::move(own_lock), child}, subject.ports);
  if (::setsid() < 0) return fail_errno("setsid", errno);
  ends.keeper.reset();
  Tie tie(std::move(ends.supervisor), std::move(ends.name_space));
  // The keeper has said why.
  if (!tie.await_cards()) ::_exit(1);
  return Detached{std::move(own_lock), std::move(tie)};
}

/// Mounts that go with us, and /proc as the pid namespace has it.
Result<> separate_mounts() {
  if (::geteuid() != 0) return {};
  BH_TRY(image::build::Overlay::separate_mounts());
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return fail_errno("mount /proc", errno);
  }
  return {};
}

struct Prepared {
  os::FileLock lock;
  std::unique_ptr<Supervisor> supervisor;
};

Result<Prepared> prepare(std::string const& root, std::string const& id) {
  auto [own_lock, tie] = BH_TRY(detach(root, id));
  // As other programs see it, while /proc is still theirs.
  auto const identity = BH_TRY(os::own_identity());
  auto store = BH_TRY(Store::open(root));
  auto record = BH_TRY(store.find(id));
  BH_TRY(separate_mounts());
  BH_TRY(store.set_supervisor(id, identity));
  auto supervisor = BH_TRY(Supervisor::create(std::move(store), std::move(record), std::move(tie)));
  return Prepared{std::move(own_lock), std::move(supervisor)};
}

}  // namespace

int supervise(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "copy") return copy_in_container(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == "probe") return probe_port(argc, argv);
  constexpr int kUsage = 2;
  constexpr int kArguments = 4;
  if (argc != kArguments || ::fcntl(kReport, F_GETFD) < 0) {
    fmt::print(stderr, "bulkhead-supervise: started by `bulkhead start`, not by hand\n");
    return kUsage;
  }
  ::fcntl(kReport, F_SETFD, FD_CLOEXEC);
  ::umask(022);
  auto prepared = prepare(argv[1], argv[2]);
  if (!prepared) {
    report(std::unexpected(prepared.error()));
    return 1;
  }
  auto const when = std::string_view(argv[3]) == "at-once" ? Start::AtOnce : Start::WhenAttached;
  prepared->supervisor->start(when, report);
  if (auto const served = prepared->supervisor->serve(); !served) {
    fmt::print(stderr, "serve: {}\n", served.error().message);
    return 1;
  }
  return 0;
}

}  // namespace bh::machine
