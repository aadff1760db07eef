// The least that starting one container costs: the kernel calls themselves, without reading a
// configuration, checking anything or cleaning up after a failure. Usage: oci_floor BUNDLE NAME.
// oci_floor --memory PROGRAM... runs a program and prints how many KiB of memory it had at most: a
// process starts with the mark of the one that made it, so that has to be small. bench/oci.py
// builds it statically.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iterator>

namespace {

constexpr char const* kTrees[] = {"memory", "cpu",     "cpuacct", "pids",
                                  "blkio",  "devices", "unified"};
constexpr char const* kMasked[] = {"proc/acpi", "proc/keys", "proc/timer_list", "sys/firmware"};
constexpr char const* kReadonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                     "proc/sysrq-trigger"};

struct Device {
  char const* path;
  unsigned major;
  unsigned minor;
};
constexpr Device kDevices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};

void need(bool done, char const* what) {
  if (done) return;
  std::perror(what);
  _exit(1);
}

void put(int folder, char const* path, char const* text) {
  int const fd = ::openat(folder, path, O_WRONLY);
  if (fd < 0) return;
  if (::write(fd, text, __builtin_strlen(text)) < 0) std::perror(path);
  ::close(fd);
}

void mount_all() {
  need(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0, "slave");
  need(::mount("rootfs", "rootfs", nullptr, MS_BIND | MS_REC, nullptr) == 0, "bind");
  need(::chdir("rootfs") == 0, "chdir");
  need(::mount("proc", "proc", "proc", 0, nullptr) == 0, "proc");
  need(::mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k") == 0, "dev");
  for (auto const* const name : {"dev/pts", "dev/shm", "dev/mqueue"}) ::mkdir(name, 0755);
  constexpr unsigned long kPlain = MS_NOSUID | MS_NOEXEC;
  need(::mount("devpts", "dev/pts", "devpts", kPlain, "ptmxmode=0666,mode=0620,gid=5") == 0, "pts");
  need(::mount("shm", "dev/shm", "tmpfs", kPlain | MS_NODEV, "mode=1777,size=65536k") == 0, "shm");
  need(::mount("mqueue", "dev/mqueue", "mqueue", kPlain | MS_NODEV, nullptr) == 0, "mqueue");
  need(::mount("sysfs", "sys", "sysfs", kPlain | MS_NODEV | MS_RDONLY, nullptr) == 0, "sys");
  for (auto const& device : kDevices) {
    need(::mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0,
         device.path);
  }
  need(::mount("tmpfs", "sys/fs/cgroup", "tmpfs", kPlain | MS_NODEV, "mode=755") == 0, "cgroup");
}

void show_groups(char const* name) {
  char from[300];
  char to[300];
  for (auto const* const tree : kTrees) {
    std::snprintf(from, sizeof from, "/sys/fs/cgroup/%s/%s", tree, name);
    std::snprintf(to, sizeof to, "sys/fs/cgroup/%s", tree);
    ::mkdir(to, 0755);
    need(::mount(from, to, nullptr, MS_BIND, nullptr) == 0, from);
  }
}

void protect() {
  for (auto const* const path : kMasked) {
    struct stat status;
    if (::stat(path, &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) {
      ::mount("tmpfs", path, "tmpfs", MS_RDONLY, nullptr);
    } else {
      ::mount("/dev/null", path, nullptr, MS_BIND, nullptr);
    }
  }
  for (auto const* const path : kReadonly) {
    if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) == 0) {
      ::mount(path, path, nullptr, MS_BIND | MS_REC | MS_REMOUNT | MS_RDONLY, nullptr);
    }
  }
  need(::syscall(SYS_pivot_root, ".", ".") == 0, "pivot");
  need(::umount2(".", MNT_DETACH) == 0, "umount");
  need(::chdir("/") == 0, "chdir");
  ::mount("/", "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr);
  need(::sethostname("floor", 5) == 0, "sethostname");
  for (int number = 0; number <= 40; ++number) ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int measure_memory(char** words) {
  pid_t const pid = ::fork();
  if (pid == 0) {
    ::execv(words[0], words);
    need(false, words[0]);
  }
  int status = 0;
  rusage usage{};
  ::wait4(pid, &status, 0, &usage);
  std::printf("%ld\n", usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && __builtin_strcmp(argv[1], "--memory") == 0) return measure_memory(argv + 2);
  if (argc != 3 || ::chdir(argv[1]) != 0) return 2;
  int groups[std::size(kTrees)];
  char path[300];
  for (std::size_t i = 0; i < std::size(kTrees); ++i) {
    std::snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", kTrees[i], argv[2]);
    need(::mkdir(path, 0755) == 0, path);
    groups[i] = ::open(path, O_RDONLY | O_DIRECTORY);
  }
  clone_args arguments{};
  arguments.flags =
      CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<std::uint64_t>(groups[std::size(kTrees) - 1]);
  long const pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  need(pid >= 0, "clone3");
  if (pid == 0) {
    for (std::size_t i = 0; i + 1 < std::size(kTrees); ++i) put(groups[i], "tasks", "0");
    need(::unshare(CLONE_NEWCGROUP) == 0, "unshare");
    mount_all();
    show_groups(argv[2]);
    protect();
    char* const words[] = {const_cast<char*>("true"), nullptr};
    char* const none[] = {nullptr};
    ::execve("/bin/true", words, none);
    need(false, "exec");
  }
  int status = 0;
  ::waitpid(static_cast<pid_t>(pid), &status, 0);
  for (auto const* const tree : kTrees) {
    std::snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", tree, argv[2]);
    need(::rmdir(path) == 0, path);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
