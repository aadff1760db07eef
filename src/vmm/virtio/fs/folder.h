#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/virtio/fs/outcome.h"

namespace bh::vmm::virtio {

/// A folder of the host and what lies below it, as the only part of the host's files that a guest
/// can name.
///
/// Every call names an entry by the descriptor of its parent and one name without a slash, which
/// the kernel resolves below that parent without following links or entering other mounts: no path
/// is ever resolved, so no `..`, link or race leads out. Entries are held as O_PATH descriptors;
/// only regular files and folders are ever opened for more. One thread uses it.
class Folder {
 public:
  enum class Access : std::uint8_t { ReadOnly, ReadWrite };

  static Result<Folder> open(std::string const& path, Access access);

  bool read_only() const { return access_ == Access::ReadOnly; }
  int root() const { return root_.get(); }

  /// An O_PATH descriptor of the entry; of a symbolic link itself, if it is one.
  Outcome<os::UniqueFd> find(int parent, std::string const& name) const;
  static Outcome<struct stat> describe(int entry);
  Outcome<struct statvfs> describe_file_system(int entry) const;
  Outcome<std::string> read_link(int entry) const;
  /// A descriptor to read or write a regular file, or to list a folder. Flags other than those of
  /// access, O_APPEND, O_TRUNC and of synchronous writes are left out.
  Outcome<os::UniqueFd> open_for_io(int entry, int flags) const;

  /// What follows changes the folder: EROFS if it is read-only. A new entry gets exactly `mode`,
  /// less what would let a guest leave a set-user-ID program on the host.
  Outcome<os::UniqueFd> make_file(int parent, std::string const& name, int flags,
                                  mode_t mode) const;
  Outcome<> make_folder(int parent, std::string const& name, mode_t mode) const;
  /// Named pipes and sockets; EPERM for devices.
  Outcome<> make_node(int parent, std::string const& name, mode_t mode) const;
  Outcome<> make_link(int parent, std::string const& name, std::string const& target) const;
  Outcome<> add_name(int entry, int parent, std::string const& name) const;
  enum class Kind : std::uint8_t { File, Folder };
  Outcome<> remove(int parent, std::string const& name, Kind kind) const;
  struct Place {
    int parent;
    std::string const& name;
  };
  /// `flags` may be RENAME_NOREPLACE or RENAME_EXCHANGE.
  Outcome<> rename(Place from, Place to, unsigned flags) const;
  Outcome<> change_mode(int entry, mode_t mode) const;
  /// -1 leaves one as it is.
  Outcome<> change_owner(int entry, uid_t uid, gid_t gid) const;
  Outcome<> change_times(int entry, std::array<timespec, 2> const& times) const;
  Outcome<> change_size(int entry, std::uint64_t size) const;

 private:
  Folder(os::UniqueFd root, os::UniqueFd descriptors, Access access)
      : root_(std::move(root)), descriptors_(std::move(descriptors)), access_(access) {}

  Outcome<> check_change(std::string const& name) const;

  os::UniqueFd root_;
  os::UniqueFd descriptors_;  // /proc/self/fd: the way from an O_PATH descriptor to a better one.
  Access access_;
};

}  // namespace bh::vmm::virtio
