#include "jail/memory_policy.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "jail/number_list.h"

namespace bh::jail {

namespace {

// CONFIG_NODES_SHIFT is at most 10.
constexpr unsigned kMostNodes = 1024;
constexpr unsigned kWordBits = 8 * sizeof(unsigned long);

struct Name {
  std::string_view name;
  int value;
};

constexpr Name kModes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},  {"MPOL_PREFERRED", MPOL_PREFERRED},
    {"MPOL_BIND", MPOL_BIND},        {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
    {"MPOL_LOCAL", MPOL_LOCAL},      {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_WEIGHTED_INTERLEAVE", 6},
};

constexpr Name kFlags[] = {
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
};

}  // namespace

std::optional<int> memory_policy_mode(std::string_view name) {
  for (auto const& known : kModes) {
    if (known.name == name) return known.value;
  }
  return std::nullopt;
}

std::optional<unsigned> memory_policy_flag(std::string_view name) {
  for (auto const& known : kFlags) {
    if (known.name == name) return static_cast<unsigned>(known.value);
  }
  return std::nullopt;
}

std::vector<std::string_view> memory_policy_modes() {
  std::vector<std::string_view> names;
  for (auto const& known : kModes) names.push_back(known.name);
  return names;
}

std::vector<std::string_view> memory_policy_flags() {
  std::vector<std::string_view> names;
  for (auto const& known : kFlags) names.push_back(known.name);
  return names;
}

Result<> set_memory_policy(MemoryPolicy const& policy) {
  std::array<unsigned long, kMostNodes / kWordBits> mask{};
  BH_TRY(each_of_list(policy.nodes, kMostNodes,
                      [&](unsigned node) { mask[node / kWordBits] |= 1UL << node % kWordBits; }));
  // The kernel takes one bit less than it is told.
  if (::syscall(SYS_set_mempolicy, policy.mode | static_cast<int>(policy.flags),
                policy.nodes.empty() ? nullptr : mask.data(),
                policy.nodes.empty() ? 0 : kMostNodes + 1) != 0) {
    return fail_errno("set_mempolicy (nodes \"" + policy.nodes + "\")", errno);
  }
  return {};
}

}  // namespace bh::jail
