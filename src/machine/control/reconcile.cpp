#include "machine/control/reconcile.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "machine/network/host_networks.h"
#include "machine/providers/companions.h"
#include "machine/supervise/container_run.h"
#include "machine/supervise/files.h"
#include "os/file_lock.h"
#include "os/folder.h"
#include "os/spawn.h"
#include "os/user_namespace.h"

namespace bh::machine {

namespace {

/// The processes went with the supervisor, and so did mounts. Control groups and files are left.
Result<> clean_up(Record const& record, std::string const& folder) {
  auto const state = folder + "/" + kRunFolder + "/" + kRuntimeState;
  auto const container = state + "/" + record.id;
  constexpr int kTries = 100;
  constexpr int kMilliseconds = 10;
  for (int i = 0; i < kTries && ::access(container.c_str(), F_OK) == 0; ++i) {
    if (i != 0) ::poll(nullptr, 0, kMilliseconds);
    auto const programs = BH_TRY(program_folder());
    auto const runtime = BH_TRY(find_companion("bulkhead-oci", {programs}));
    auto const pid =
        BH_TRY(os::spawn({.words = {runtime, "--root", state, "delete", "--force", record.id}}));
    (void)os::wait_for(pid);
  }
  ::unlink((folder + "/" + kControlSocket).c_str());
  return os::remove_tree(AT_FDCWD, folder + "/" + kRunFolder);
}

/// One that was killed ends soon, with all that it had started.
void await_death(os::ProcessIdentity const& supervisor) {
  constexpr int kTries = 500;
  constexpr int kMilliseconds = 10;
  for (int i = 0; i < kTries && os::is_dying(supervisor) && os::lives(supervisor); ++i) {
    ::poll(nullptr, 0, kMilliseconds);
  }
}

Result<> bury(Store& store, std::string const& id) {
  auto const folder = store.folder_of(id);
  BH_TRY(os::make_folders(folder, 0700));
  auto const lock = BH_TRY(
      os::FileLock::try_lock(AT_FDCWD, folder + "/" + kSupervisorLock, os::LockKind::Exclusive));
  // Somebody else buries it, or it has another supervisor already.
  if (!lock) return {};
  auto const record = store.find(id);
  if (!record) return os::remove_foreign_tree(AT_FDCWD, folder);
  if (!record->supervisor || os::lives(*record->supervisor)) return {};
  BH_TRY(clean_up(*record, folder));
  if (record->definition.remove_at_end) {
    BH_TRY(os::remove_foreign_tree(AT_FDCWD, folder));
    BH_TRY(store.remove(id));
    return store.remove_anonymous_volumes(record->definition);
  }
  if (record->runs()) {
    constexpr int kKilled = 137;
    BH_TRY(store.set_ended(id, {.state = State::Failed,
                                .exit_status = kKilled,
                                .reason = Reason::SupervisorLost,
                                .detail = "its bulkhead-supervise was killed, and it with that"}));
  }
  return store.release(id);
}

}  // namespace

Result<> reconcile(Store& store) {
  auto const records = BH_TRY(store.all());
  for (auto const& record : records) {
    if (record.supervisor) await_death(*record.supervisor);
    if (record.supervisor && !os::lives(*record.supervisor)) BH_TRY(bury(store, record.id));
  }
  // Files without a machine: somebody was killed between the two.
  auto const folders = BH_TRY(os::names_in(AT_FDCWD, store.root() + "/machines"));
  for (auto const& name : folders) {
    bool const known = std::ranges::find(records, name, &Record::id) != records.end();
    if (!known) BH_TRY(bury(store, name));
  }
  (void)settle_networks(store);
  BH_TRY(store.sweep_secrets());
  return store.sweep_volumes();
}

}  // namespace bh::machine
