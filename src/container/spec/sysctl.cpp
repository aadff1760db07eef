#include "container/spec/sysctl.h"

#include <sched.h>

#include <algorithm>
#include <array>

namespace bh::container {

namespace {

constexpr std::array<std::string_view, 9> kIpc = {
    "kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
    "kernel.sem",    "kernel.shmall",          "kernel.shmmax",
    "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.shm_next_id"};

Result<> needs(LinuxSpec const& spec, std::uint64_t flag, std::string const& name,
               std::string_view type) {
  if (spec.find(flag) != nullptr) return {};
  return fail(
      Errc::Invalid,
      "\"" + name + "\" would change the host: it needs a namespace of type " + std::string(type));
}

}  // namespace

std::string sysctl_path(std::string const& name) {
  std::string path = name;
  // As sysctl(8): with dots between the parts, a slash stands for a dot within one.
  auto const first = path.find_first_of("./");
  if (first != path.npos && path[first] == '.') {
    for (char& letter : path) {
      if (letter == '.') {
        letter = '/';
      } else if (letter == '/') {
        letter = '.';
      }
    }
  }
  return "sys/" + path;
}

Result<> check_sysctl(std::string const& name, std::string const& value, LinuxSpec const& spec) {
  std::string const path = sysctl_path(name);
  if (name.empty() || path.find("/../") != path.npos || path.ends_with("/..") ||
      path.find("//") != path.npos || name.find_first_of("+= \n") != name.npos) {
    return fail(Errc::Invalid, "\"" + name + "\" is no name");
  }
  if (value.find('\n') != value.npos)
    return fail(Errc::Invalid, "the value of " + name + " has a line end");
  std::string dotted = path.substr(4);
  std::ranges::replace(dotted, '/', '.');
  if (std::ranges::find(kIpc, dotted) != kIpc.end() || dotted.starts_with("fs.mqueue.")) {
    return needs(spec, CLONE_NEWIPC, name, "ipc");
  }
  if (dotted.starts_with("net.")) return needs(spec, CLONE_NEWNET, name, "network");
  if (dotted == "kernel.domainname" || dotted == "kernel.hostname") {
    return needs(spec, CLONE_NEWUTS, name, "uts");
  }
  return fail(Errc::Invalid, "\"" + name + "\" belongs to no namespace and would change the host");
}

}  // namespace bh::container
