#include "jail/cgroup/settings.h"

namespace bh::jail {

SplitResources split_resources(Resources const& resources,
                               std::function<bool(std::string_view)> const& is_legacy) {
  SplitResources out;
  // Where limits stand that no tree of this host has a file for: writing them says so.
  bool const mostly_legacy = is_legacy("memory") || is_legacy("cpu") || is_legacy("pids");
  auto const side = [&](std::string_view controller) -> Resources& {
    return is_legacy(controller) ? out.legacy : out.unified;
  };
  side("memory").memory = resources.memory;
  // cpu and cpuset are two trees of v1.
  auto cpu = resources.cpu;
  side("cpuset").cpu.cpus = std::exchange(cpu.cpus, std::nullopt);
  side("cpuset").cpu.mems = std::exchange(cpu.mems, std::nullopt);
  auto& target = side("cpu").cpu;
  cpu.cpus = std::move(target.cpus);
  cpu.mems = std::move(target.mems);
  target = std::move(cpu);
  side("pids").pids = resources.pids;
  side("blkio").block = resources.block;
  side("hugetlb").hugepages = resources.hugepages;
  side("rdma").rdma = resources.rdma;
  side("devices").devices = resources.devices;
  // Control groups v2 have neither.
  auto& network = mostly_legacy ? out.legacy : out.unified;
  network.network_class = resources.network_class;
  network.network_priorities = resources.network_priorities;
  for (auto const& [file, value] : resources.unified) {
    auto const controller = file.substr(0, file.find('.'));
    (is_legacy(controller) ? out.legacy : out.unified).unified.emplace(file, value);
  }
  return out;
}

}  // namespace bh::jail
