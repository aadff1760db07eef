#include "jail/rlimits.h"

#include <sys/resource.h>

#include <cerrno>
#include <string>

namespace bh::jail {

namespace {

struct Name {
  std::string_view name;
  int number;
};

constexpr Name kNames[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

}  // namespace

std::optional<int> rlimit_number(std::string_view name) {
  for (auto const& known : kNames) {
    if (known.name == name) return known.number;
  }
  return std::nullopt;
}

std::string_view rlimit_name(int resource) {
  for (auto const& known : kNames) {
    if (known.number == resource) return known.name;
  }
  return "RLIMIT_?";
}

Result<> set_rlimits(std::vector<Rlimit> const& limits) {
  for (auto const& limit : limits) {
    rlimit const value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    auto const resource = static_cast<__rlimit_resource_t>(limit.resource);
    if (::setrlimit(resource, &value) == 0) continue;
    int const error = errno;
    rlimit now{};
    ::getrlimit(resource, &now);
    return fail_errno("set " + std::string(rlimit_name(limit.resource)) + " to " +
                          std::to_string(limit.soft) + ":" + std::to_string(limit.hard) +
                          " (the hard limit is " + std::to_string(now.rlim_max) +
                          "; more needs CAP_SYS_RESOURCE)",
                      error);
  }
  return {};
}

}  // namespace bh::jail
