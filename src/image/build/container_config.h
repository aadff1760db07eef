#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "image/build/user.h"

namespace bh::image::build {

/// One line of config.json's mounts.
struct ContainerMount {
  std::string target;
  std::string type;  // As mount(8) has it.
  std::string source;
  std::vector<std::string> options;
};

/// A container by the OCI runtime specification, with what Docker gives one.
struct ContainerConfig {
  std::string root;  // Folder of its root file system.
  std::vector<std::string> words;
  std::vector<std::string> environment;
  std::string working_folder = "/";
  User user;
  std::string host_name;
  bool host_network = false;  // And with it the host's names.
  bool terminal = false;
  std::string cgroup;                  // The path of its group; empty: one of the runtime's choice.
  std::vector<ContainerMount> mounts;  // After what every container has.
  bool read_only = false;              // Its root, not what is mounted there.
  std::optional<std::uint64_t> memory;  // Most bytes,
  std::optional<std::uint64_t> cpus;    // and most CPUs' time.
  std::string network_namespace;        // One that is there, as a path; empty: a new one.
};

/// Files of the host that a container with the host's network has mounted.
inline constexpr char const* kHostFiles[] = {"/etc/resolv.conf", "/etc/hosts"};

/// Its config.json.
std::string config_json(ContainerConfig const& config);

}  // namespace bh::image::build
