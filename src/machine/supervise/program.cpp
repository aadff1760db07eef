#include "machine/supervise/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "image/build/overlay.h"
#include "machine/store/store.h"
#include "machine/supervise/files.h"
#include "machine/supervise/supervisor.h"
#include "os/file_lock.h"
#include "os/folder.h"
#include "os/text_file.h"

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

/// The first process of a pid namespace: when it ends, whatever ends it, the kernel kills all that
/// is in there. In the caller's place goes on only that process. Without root there is no
/// namespace; a microVM's one process is bound to us by PR_SET_PDEATHSIG.
Result<> detach() {
  if (::unshare(CLONE_NEWPID) != 0 && errno != EPERM) return fail_errno("unshare", errno);
  pid_t const child = ::fork();
  if (child < 0) return fail_errno("fork", errno);
  if (child > 0) ::_exit(0);
  if (::setsid() < 0) return fail_errno("setsid", errno);
  return {};
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

struct Prepared {
  os::FileLock lock;
  std::unique_ptr<Supervisor> supervisor;
};

Result<Prepared> prepare(std::string const& root, std::string const& id) {
  BH_TRY(detach());
  // As other programs see it, while /proc is still theirs.
  auto const identity = BH_TRY(os::own_identity());
  auto store = BH_TRY(Store::open(root));
  auto const folder = store.folder_of(id);
  BH_TRY(os::make_folders(folder, 0700));
  auto own_lock = BH_TRY(lock(folder));
  auto record = BH_TRY(store.find(id));
  BH_TRY(redirect_output(folder));
  BH_TRY(separate_mounts());
  BH_TRY(store.set_supervisor(id, identity));
  auto supervisor = BH_TRY(Supervisor::create(std::move(store), std::move(record)));
  return Prepared{std::move(own_lock), std::move(supervisor)};
}

}  // namespace

int supervise(int argc, char** argv) {
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
