#include "os/memory_folder.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "os/file_write.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::os {

Result<MemoryFolder> MemoryFolder::mount(std::string const& path) {
  BH_TRY(make_folders(path, 0700));
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount("tmpfs", path.c_str(), "tmpfs", kFlags, "mode=700") != 0) {
    return fail_errno("mount memory at " + path, errno);
  }
  return MemoryFolder(path);
}

MemoryFolder::~MemoryFolder() {
  if (!path_.empty()) ::umount2(path_.c_str(), MNT_DETACH);
}

Result<std::string> MemoryFolder::add(std::string const& name, std::string_view text,
                                      Owner const& owner) {
  auto path = path_ + "/" + name;
  auto const file = BH_TRY(open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  BH_TRY(write_all(file, std::as_bytes(std::span(text))));
  if (::fchown(file.get(), owner.uid, owner.gid) != 0) return fail_errno("fchown " + path, errno);
  if (::fchmod(file.get(), owner.mode) != 0) return fail_errno("fchmod " + path, errno);
  return path;
}

}  // namespace bh::os
