#include "machine/supervise/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "os/folder.h"

namespace bh::machine {

Result<> enter_run_folder(std::string const& folder) {
  auto const run = folder + "/" + kRunFolder;
  BH_TRY(os::remove_tree(AT_FDCWD, run));
  BH_TRY(os::make_folders(run, 0700));
  if (::chdir(run.c_str()) != 0) return fail_errno("enter " + run, errno);
  return {};
}

void leave_run_folder(std::string const& folder) {
  // What cannot be removed now is removed before the next run.
  if (::chdir(folder.c_str()) != 0) return;
  (void)os::remove_tree(AT_FDCWD, folder + "/" + kRunFolder);
}

}  // namespace bh::machine
