#include "jail/privileges.h"

#include <grp.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "jail/number_list.h"

namespace bh::jail {

namespace {

/// linux/sched/types.h, which cannot be included beside sched.h.
struct SchedulerAttributes {
  std::uint32_t size = sizeof(SchedulerAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedulerAttributes) == 48);

constexpr std::uint32_t kDeadline = 6;  // SCHED_DEADLINE

// linux/ioprio.h, which is not C++.
constexpr unsigned kIoRealTime = 1;
constexpr unsigned kIoBestEffort = 2;
constexpr unsigned kIoIdle = 3;
constexpr unsigned kIoClassShift = 13;
constexpr int kIoProcess = 1;

}  // namespace

std::optional<std::uint32_t> scheduler_policy(std::string_view name) {
  if (name == "SCHED_OTHER") return SCHED_OTHER;
  if (name == "SCHED_FIFO") return SCHED_FIFO;
  if (name == "SCHED_RR") return SCHED_RR;
  if (name == "SCHED_BATCH") return SCHED_BATCH;
  if (name == "SCHED_IDLE") return SCHED_IDLE;
  if (name == "SCHED_DEADLINE") return kDeadline;
  return std::nullopt;
}

std::optional<std::uint64_t> scheduler_flag(std::string_view name) {
  if (name == "SCHED_FLAG_RESET_ON_FORK") return 0x01;
  if (name == "SCHED_FLAG_RECLAIM") return 0x02;
  if (name == "SCHED_FLAG_DL_OVERRUN") return 0x04;
  if (name == "SCHED_FLAG_KEEP_POLICY") return 0x08;
  if (name == "SCHED_FLAG_KEEP_PARAMS") return 0x10;
  if (name == "SCHED_FLAG_UTIL_CLAMP_MIN") return 0x20;
  if (name == "SCHED_FLAG_UTIL_CLAMP_MAX") return 0x40;
  return std::nullopt;
}

std::optional<unsigned> io_priority_class(std::string_view name) {
  if (name == "IOPRIO_CLASS_RT") return kIoRealTime;
  if (name == "IOPRIO_CLASS_BE") return kIoBestEffort;
  if (name == "IOPRIO_CLASS_IDLE") return kIoIdle;
  return std::nullopt;
}

Result<> set_user(User const& user, GroupsDenied denied) {
  ::umask(user.umask.value_or(022));
  static_assert(sizeof(gid_t) == sizeof(std::uint32_t));
  if (::setgroups(user.groups.size(), user.groups.data()) != 0) {
    bool const keeps = errno == EPERM && user.groups.empty() && denied == GroupsDenied::Keep;
    if (!keeps) return fail_errno("setgroups", errno);
  }
  // The system calls themselves: glibc's would look for other threads.
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) {
    return fail_errno("setgid " + std::to_string(user.gid) + " (is it in linux.gidMappings?)",
                      errno);
  }
  if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) {
    return fail_errno("setuid " + std::to_string(user.uid) + " (is it in linux.uidMappings?)",
                      errno);
  }
  return {};
}

Result<> set_scheduler(Scheduler const& scheduler) {
  SchedulerAttributes const attributes{.policy = scheduler.policy,
                                       .flags = scheduler.flags,
                                       .nice = scheduler.nice,
                                       .priority = scheduler.priority,
                                       .runtime = scheduler.runtime,
                                       .deadline = scheduler.deadline,
                                       .period = scheduler.period};
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0) return {};
  return fail_errno(
      "sched_setattr (real-time policies need resources.cpu.realtimeRuntime with cgroup v1)",
      errno);
}

Result<> set_io_priority(IoPriority const& priority) {
  int const value = static_cast<int>(priority.priority_class << kIoClassShift | priority.priority);
  if (::syscall(SYS_ioprio_set, kIoProcess, 0, value) != 0) {
    return fail_errno("ioprio_set", errno);
  }
  return {};
}

Result<> set_personality(unsigned long domain) {
  if (::personality(domain) < 0) return fail_errno("personality", errno);
  return {};
}

Result<> set_cpu_affinity(std::string_view cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  BH_TRY(each_of_list(cpus, CPU_SETSIZE, [&](unsigned cpu) { CPU_SET(cpu, &set); }));
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    return fail_errno("run on CPUs " + std::string(cpus), errno);
  }
  return {};
}

Result<> forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail_errno("prctl PR_SET_NO_NEW_PRIVS", errno);
  }
  return {};
}

Result<> set_apparmor_profile(ProcDir const& proc, std::string const& profile) {
  if (::access("/sys/kernel/security/apparmor", F_OK) != 0 &&
      ::access("/sys/module/apparmor/parameters/enabled", F_OK) != 0) {
    return fail(Errc::Unsupported, "apparmorProfile: this kernel has no AppArmor");
  }
  auto written = proc.write("self/attr/apparmor/exec", "exec " + profile);
  if (written || written.error().code != Errc::NotFound) return written;
  return proc.write("self/attr/exec", "exec " + profile);
}

Result<> set_selinux_label(ProcDir const& proc, std::string const& label) {
  if (::access("/sys/fs/selinux/enforce", F_OK) != 0) {
    return fail(Errc::Unsupported, "selinuxLabel: this kernel runs without SELinux");
  }
  return proc.write("self/attr/exec", label);
}

}  // namespace bh::jail
