#include "jail/capabilities.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>

namespace bh::jail {

namespace {

// linux/capability.h, by number.
constexpr std::string_view kNames[] = {"CAP_CHOWN",
                                       "CAP_DAC_OVERRIDE",
                                       "CAP_DAC_READ_SEARCH",
                                       "CAP_FOWNER",
                                       "CAP_FSETID",
                                       "CAP_KILL",
                                       "CAP_SETGID",
                                       "CAP_SETUID",
                                       "CAP_SETPCAP",
                                       "CAP_LINUX_IMMUTABLE",
                                       "CAP_NET_BIND_SERVICE",
                                       "CAP_NET_BROADCAST",
                                       "CAP_NET_ADMIN",
                                       "CAP_NET_RAW",
                                       "CAP_IPC_LOCK",
                                       "CAP_IPC_OWNER",
                                       "CAP_SYS_MODULE",
                                       "CAP_SYS_RAWIO",
                                       "CAP_SYS_CHROOT",
                                       "CAP_SYS_PTRACE",
                                       "CAP_SYS_PACCT",
                                       "CAP_SYS_ADMIN",
                                       "CAP_SYS_BOOT",
                                       "CAP_SYS_NICE",
                                       "CAP_SYS_RESOURCE",
                                       "CAP_SYS_TIME",
                                       "CAP_SYS_TTY_CONFIG",
                                       "CAP_MKNOD",
                                       "CAP_LEASE",
                                       "CAP_AUDIT_WRITE",
                                       "CAP_AUDIT_CONTROL",
                                       "CAP_SETFCAP",
                                       "CAP_MAC_OVERRIDE",
                                       "CAP_MAC_ADMIN",
                                       "CAP_SYSLOG",
                                       "CAP_WAKE_ALARM",
                                       "CAP_BLOCK_SUSPEND",
                                       "CAP_AUDIT_READ",
                                       "CAP_PERFMON",
                                       "CAP_BPF",
                                       "CAP_CHECKPOINT_RESTORE"};

bool same_letters(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>(left[i])) != right[i]) return false;
  }
  return true;
}

bool holds(CapabilityMask mask, unsigned number) {
  return (mask >> number & 1U) != 0;
}

using Words = std::array<__user_cap_data_struct, 2>;

}  // namespace

std::optional<unsigned> capability_number(std::string_view name) {
  for (unsigned i = 0; i < std::size(kNames); ++i) {
    if (same_letters(name, kNames[i])) return i;
  }
  return std::nullopt;
}

std::vector<std::string_view> capability_names() {
  return {std::begin(kNames), std::end(kNames)};
}

Result<unsigned> last_capability() {
  // The kernel refuses numbers it has not: a search costs fewer calls than reading /proc/sys.
  unsigned low = 0;
  unsigned high = 63;
  while (low < high) {
    unsigned const middle = (low + high + 1) / 2;
    if (::prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

Result<> limit_capabilities(CapabilitySets const& sets) {
  auto const last = BH_TRY(last_capability());
  for (unsigned number = 0; number <= last; ++number) {
    if (holds(sets.bounding, number)) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) {
      return fail_errno("drop capability " + std::to_string(number) + " from the bounding set",
                        errno);
    }
  }
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail_errno("prctl PR_SET_KEEPCAPS", errno);
  return {};
}

Result<> set_capabilities(CapabilitySets const& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Words words{};
  for (unsigned i = 0; i < 2; ++i) {
    words[i].effective = static_cast<std::uint32_t>(sets.effective >> 32 * i);
    words[i].permitted = static_cast<std::uint32_t>(sets.permitted >> 32 * i);
    words[i].inheritable = static_cast<std::uint32_t>(sets.inheritable >> 32 * i);
  }
  if (::syscall(SYS_capset, &header, words.data()) != 0) {
    return fail_errno(
        "capset (a set may hold only what the bounding set and the runtime itself have)", errno);
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // The kernel allows what is permitted and inheritable; profiles often ask for more, and others
  // have long ignored it.
  CapabilityMask const ambient = sets.ambient & sets.permitted & sets.inheritable;
  for (unsigned number = 0; number < std::size(kNames); ++number) {
    if (!holds(ambient, number)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) {
      return fail_errno("raise ambient " + std::string(kNames[number]), errno);
    }
  }
  return {};
}

CapabilityMask grantable_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Words words{};
  if (::syscall(SYS_capget, &header, words.data()) != 0) return 0;
  CapabilityMask mask = words[0].permitted | CapabilityMask{words[1].permitted} << 32;
  for (unsigned number = 0; number < 64; ++number) {
    if (holds(mask, number) && ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) != 1) {
      mask &= ~(CapabilityMask{1} << number);
    }
  }
  return mask;
}

std::string capability_list(CapabilityMask mask) {
  std::string list;
  for (unsigned number = 0; number < std::size(kNames); ++number) {
    if (!holds(mask, number)) continue;
    list += (list.empty() ? "" : ", ") + std::string(kNames[number]);
  }
  return list;
}

}  // namespace bh::jail
