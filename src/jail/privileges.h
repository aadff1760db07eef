#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "jail/capabilities.h"
#include "jail/proc_dir.h"

namespace bh::jail {

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;
  std::vector<std::uint32_t> groups;
};

/// sched_setattr(2).
struct Scheduler {
  std::uint32_t policy = 0;  // SCHED_...
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t flags = 0;
  std::uint64_t runtime = 0;   // Nanoseconds.
  std::uint64_t deadline = 0;  // Nanoseconds.
  std::uint64_t period = 0;    // Nanoseconds.
};

std::optional<std::uint32_t> scheduler_policy(std::string_view name);
std::optional<std::uint64_t> scheduler_flag(std::string_view name);

/// ioprio_set(2).
struct IoPriority {
  unsigned priority_class = 0;  // IOPRIO_CLASS_...
  unsigned priority = 0;        // 0 to 7, 0 is first.
};

std::optional<unsigned> io_priority_class(std::string_view name);

/// A user namespace that a user without privileges has made forbids setgroups(2), and what groups
/// the process has are then none of it.
enum class GroupsDenied : std::uint8_t { Fail, Keep };

/// Each changes the calling process.
Result<> set_user(User const& user, GroupsDenied denied);
Result<> set_scheduler(Scheduler const& scheduler);
Result<> set_io_priority(IoPriority const& priority);
Result<> set_personality(unsigned long domain);
/// "0-3,5", as in cpusets.
Result<> set_cpu_affinity(std::string_view cpus);
Result<> forbid_new_privileges();
/// The profile or label takes effect at the next execve(2).
Result<> set_apparmor_profile(ProcDir const& proc, std::string const& profile);
Result<> set_selinux_label(ProcDir const& proc, std::string const& label);

}  // namespace bh::jail
