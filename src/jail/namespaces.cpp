#include "jail/namespaces.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "os/file.h"

namespace bh::jail {

namespace {

constexpr NamespaceKind kKinds[] = {
    {"user", CLONE_NEWUSER, "user"},  {"pid", CLONE_NEWPID, "pid"},
    {"network", CLONE_NEWNET, "net"}, {"ipc", CLONE_NEWIPC, "ipc"},
    {"uts", CLONE_NEWUTS, "uts"},     {"cgroup", CLONE_NEWCGROUP, "cgroup"},
    {"time", CLONE_NEWTIME, "time"},  {"mount", CLONE_NEWNS, "mnt"},
};

}  // namespace

std::span<NamespaceKind const> namespace_kinds() {
  return kKinds;
}

NamespaceKind const* namespace_kind(std::string_view type) {
  for (auto const& kind : kKinds) {
    if (kind.type == type) return &kind;
  }
  return nullptr;
}

NamespaceKind const* namespace_kind(std::uint64_t flag) {
  for (auto const& kind : kKinds) {
    if (kind.flag == flag) return &kind;
  }
  return nullptr;
}

Result<JoinedNamespace> open_namespace(std::uint64_t flag, std::string const& path) {
  auto file = BH_TRY(os::open_file(path, O_RDONLY));
  int const type = ::ioctl(file.get(), NS_GET_NSTYPE);
  if (type < 0) return fail(Errc::Invalid, path + " is not a namespace");
  if (static_cast<std::uint64_t>(type) != flag) {
    auto const* const found = namespace_kind(static_cast<std::uint64_t>(type));
    return fail(Errc::Invalid,
                path + " is a namespace of type " + std::string(found ? found->type : "unknown"));
  }
  return JoinedNamespace{.flag = flag, .path = path, .file = std::move(file)};
}

Result<> join_namespace(JoinedNamespace const& target) {
  if (::setns(target.file.get(), static_cast<int>(target.flag)) == 0) return {};
  return fail_errno("join the namespace " + target.path, errno);
}

}  // namespace bh::jail
