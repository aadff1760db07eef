#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "container/launch/channel.h"
#include "container/launch/console.h"
#include "container/launch/launch.h"
#include "jail/mount.h"
#include "os/descriptor.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

// config-linux.md, "Default Devices".
struct DefaultDevice {
  char const* name;
  unsigned major;
  unsigned minor;
};

constexpr DefaultDevice kDefaultDevices[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

struct DefaultLink {
  char const* name;
  char const* target;
};

constexpr DefaultLink kDefaultLinks[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

mode_t type_bits(char type) {
  if (type == 'b') return S_IFBLK;
  return type == 'p' ? S_IFIFO : S_IFCHR;
}

/// Whether what stands at folder/name is the device already.
bool is_device(int folder, std::string const& name, DeviceSpec const& device) {
  struct stat status{};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return (status.st_mode & S_IFMT) == type_bits(device.type) &&
         (device.type == 'p' || status.st_rdev == makedev(static_cast<unsigned>(device.major),
                                                          static_cast<unsigned>(device.minor)));
}

Result<> make_node(int folder, std::string const& name, DeviceSpec const& device) {
  auto const number = device.type == 'p' ? 0
                                         : makedev(static_cast<unsigned>(device.major),
                                                   static_cast<unsigned>(device.minor));
  if (::mknodat(folder, name.c_str(), type_bits(device.type) | device.mode, number) != 0) {
    if (errno == EEXIST && is_device(folder, name, device)) return {};
    return fail_errno("mknod " + device.path, errno);
  }
  if (device.uid == 0 && device.gid == 0) return {};
  if (::fchownat(folder, name.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("chown " + device.path, errno);
  }
  return {};
}

/// In a user namespace nobody may make devices: the host's is shown instead, if it is the one.
Result<> bind_node(int folder, std::string const& name, DeviceSpec const& device) {
  auto const source = BH_TRY(os::open_at(AT_FDCWD, device.path, O_PATH | O_NOFOLLOW));
  struct stat status{};
  if (::fstat(source.get(), &status) != 0) return fail_errno("stat " + device.path, errno);
  if (status.st_rdev !=
      makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor))) {
    return fail(Errc::Denied, device.path +
                                  " of the host is another device, and a new one cannot "
                                  "be made in a user namespace");
  }
  os::UniqueFd const made(
      ::openat(folder, name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600));
  if (!made.valid() && errno != EEXIST) return fail_errno("make " + device.path, errno);
  auto const place = BH_TRY(os::open_at(folder, name, O_PATH | O_NOFOLLOW));
  auto const tree = BH_TRY(jail::clone_tree(source.get(), "", jail::Bind::Mount));
  return jail::attach(tree.get(), place.get());
}

Result<> make_device(Launch const& launch, DeviceSpec const& device) {
  std::string name;
  auto const folder = BH_TRY(launch.root->make_parent(device.path, name));
  bool const mapped = launch.mapped || launch.spec.os.find(CLONE_NEWUSER) != nullptr;
  if (mapped && device.type != 'p') return bind_node(folder.get(), name, device);
  return make_node(folder.get(), name, device);
}

bool given(Launch const& launch, std::string const& path) {
  for (auto const& device : launch.spec.os.devices) {
    if (jail::relative_path(device.path) == jail::relative_path(path)) return true;
  }
  return false;
}

/// A host's /dev that is bound in has them, and is not ours to change.
bool is_bound(Launch const& launch) {
  for (auto const& mount : launch.spec.mounts) {
    if (jail::relative_path(mount.destination) == "dev" && mount.options.bind != jail::Bind::No) {
      return true;
    }
  }
  return false;
}

Result<> make_default_devices(Launch const& launch) {
  for (auto const& known : kDefaultDevices) {
    std::string const path = std::string("/dev/") + known.name;
    if (given(launch, path)) continue;
    BH_TRY(make_device(launch, {.path = path, .major = known.major, .minor = known.minor}));
  }
  auto const folder = BH_TRY(launch.root->make_folder("/dev"));
  for (auto const& link : kDefaultLinks) {
    if (::symlinkat(link.target, folder.get(), link.name) == 0 || errno == EEXIST) continue;
    return fail_errno(std::string("link /dev/") + link.name, errno);
  }
  return {};
}

Result<> set_up_console(Launch& launch) {
  auto console = BH_TRY(Console::open(*launch.root));
  auto const& process = *launch.spec.process;
  if (process.console_size) BH_TRY(console.resize(*process.console_size));
  if (launch.console_socket.valid()) {
    BH_TRY(os::send_descriptor(launch.console_socket.get(), console.master(), "/dev/ptmx"));
    launch.console_socket.reset();
  }
  auto const place = BH_TRY(launch.root->make_file("/dev/console"));
  auto const tree = BH_TRY(jail::clone_tree(console.terminal(), "", jail::Bind::Mount));
  BH_TRY(jail::attach(tree.get(), place.get()));
  return console.take_over(process.user.uid);
}

/// /dev may have been mounted after the control groups were.
Phase device_phase(Launch const& launch) {
  bool seen = false;
  for (auto const& mount : launch.spec.mounts) {
    seen = seen || mount.type.starts_with("cgroup");
    if (seen && jail::relative_path(mount.destination).starts_with("dev")) return Phase::Complete;
  }
  return Phase::Populate;
}

}  // namespace

void plan_devices(Launch& launch, Plan& plan) {
  if (!is_bound(launch)) {
    plan.add(device_phase(launch), "make the devices that every container has",
             [&launch] { return make_default_devices(launch); });
  }
  for (auto const& device : launch.spec.os.devices) {
    plan.add(device_phase(launch), "make the device " + device.path,
             [&launch, &device] { return make_device(launch, device); });
  }
  if (launch.spec.process && launch.spec.process->terminal) {
    plan.add(device_phase(launch), "make the terminal",
             [&launch] { return set_up_console(launch); });
  }
}

}  // namespace bh::container
