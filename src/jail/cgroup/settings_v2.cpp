#include <string_view>

#include "jail/cgroup/settings.h"

namespace bh::jail {

namespace {

using Settings = std::vector<CgroupSetting>;

std::string limit_text(std::int64_t value) {
  return value < 0 ? std::string("max") : std::to_string(value);
}

Result<> add_memory(MemoryLimits const& memory, Settings& out) {
  if (memory.limit) out.push_back({"memory", "memory.max", limit_text(*memory.limit)});
  if (memory.reservation) {
    out.push_back({"memory", "memory.low", limit_text(*memory.reservation)});
  }
  if (memory.swap) {
    // The specification counts memory and swap together, cgroup v2 swap alone.
    if (*memory.swap > 0 && (!memory.limit || *memory.limit < 0)) {
      return fail(Errc::Invalid, "resources.memory.swap needs resources.memory.limit");
    }
    if (*memory.swap > 0 && *memory.swap < *memory.limit) {
      return fail(Errc::Invalid, "resources.memory.swap is less than resources.memory.limit");
    }
    out.push_back({"memory", "memory.swap.max",
                   *memory.swap > 0 ? std::to_string(*memory.swap - *memory.limit)
                                    : limit_text(*memory.swap)});
  }
  if (memory.disable_oom_killer) {
    return fail(Errc::Unsupported, "resources.memory.disableOOMKiller needs cgroup v1");
  }
  if (memory.swappiness) {
    return fail(Errc::Unsupported, "resources.memory.swappiness needs cgroup v1");
  }
  if (memory.kernel_tcp) {
    return fail(Errc::Unsupported, "resources.memory.kernelTCP needs cgroup v1");
  }
  return {};
}

Result<> add_cpu(CpuLimits const& cpu, Settings& out) {
  if (cpu.realtime_runtime || cpu.realtime_period) {
    return fail(Errc::Unsupported, "resources.cpu.realtimeRuntime needs cgroup v1");
  }
  if (cpu.shares && *cpu.shares != 0)
    out.push_back({"cpu", "cpu.weight", std::to_string(cpu_weight(*cpu.shares))});
  if (cpu.quota || cpu.period) {
    std::string value = cpu.quota && *cpu.quota > 0 ? std::to_string(*cpu.quota) : "max";
    if (cpu.period) value += " " + std::to_string(*cpu.period);
    out.push_back({"cpu", "cpu.max", value});
  }
  if (cpu.burst) out.push_back({"cpu", "cpu.max.burst", std::to_string(*cpu.burst)});
  if (cpu.idle) out.push_back({"cpu", "cpu.idle", std::to_string(*cpu.idle)});
  if (cpu.cpus) out.push_back({"cpuset", "cpuset.cpus", *cpu.cpus});
  if (cpu.mems) out.push_back({"cpuset", "cpuset.mems", *cpu.mems});
  return {};
}

void add_throttles(std::vector<ThrottledDevice> const& devices, std::string_view key,
                   Settings& out) {
  for (auto const& device : devices) {
    out.push_back({"io", "io.max",
                   std::to_string(device.major) + ":" + std::to_string(device.minor) + " " +
                       std::string(key) + "=" +
                       (device.rate == 0 ? std::string("max") : std::to_string(device.rate))});
  }
}

/// The weights of the BFQ scheduler are 1 to 1000, as the specification's 10 to 1000. Where it is
/// not in use, io.weight of the cost model has 1 to 10000, with 100 for what BFQ calls 100.
void add_weight(std::string const& device, std::uint16_t weight, Settings& out) {
  std::uint32_t const cost = weight <= 100 ? weight : 100 + (weight - 100U) * 9900 / 900;
  auto const words = device.empty() ? std::string("default") : device;
  out.push_back({"io", "io.bfq.weight",
                 (device.empty() ? "" : device + " ") + std::to_string(weight), "io.weight",
                 words + " " + std::to_string(cost)});
}

void add_block(BlockLimits const& block, Settings& out) {
  if (block.weight && *block.weight != 0) add_weight("", *block.weight, out);
  for (auto const& device : block.weights) {
    if (!device.weight) continue;
    add_weight(std::to_string(device.major) + ":" + std::to_string(device.minor), *device.weight,
               out);
  }
  add_throttles(block.read_bytes, "rbps", out);
  add_throttles(block.write_bytes, "wbps", out);
  add_throttles(block.read_operations, "riops", out);
  add_throttles(block.write_operations, "wiops", out);
}

void add_rdma(std::map<std::string, RdmaLimit> const& rdma, Settings& out) {
  for (auto const& [device, limit] : rdma) {
    std::string value = device;
    if (limit.handles) value += " hca_handle=" + std::to_string(*limit.handles);
    if (limit.objects) value += " hca_object=" + std::to_string(*limit.objects);
    out.push_back({"rdma", "rdma.max", value});
  }
}

}  // namespace

std::uint64_t cpu_weight(std::uint64_t shares) {
  if (shares < 2) shares = 2;
  if (shares > 262144) shares = 262144;
  return 1 + (shares - 2) * 9999 / 262142;
}

Result<Settings> settings_v2(Resources const& resources) {
  Settings out;
  BH_TRY(add_memory(resources.memory, out));
  BH_TRY(add_cpu(resources.cpu, out));
  if (resources.pids) {
    out.push_back(
        {"pids", "pids.max", *resources.pids > 0 ? std::to_string(*resources.pids) : "max"});
  }
  add_block(resources.block, out);
  for (auto const& page : resources.hugepages) {
    out.push_back({"hugetlb", "hugetlb." + page.page_size + ".max", std::to_string(page.limit)});
  }
  if (resources.network_class || !resources.network_priorities.empty()) {
    return fail(Errc::Unsupported, "resources.network needs cgroup v1");
  }
  add_rdma(resources.rdma, out);
  for (auto const& [file, value] : resources.unified) {
    if (file.find('/') != file.npos || file.starts_with(".") || file.starts_with("cgroup.")) {
      return fail(Errc::Invalid, "resources.unified: \"" + file + "\" is no file of a controller");
    }
    out.push_back({file.substr(0, file.find('.')), file, value});
  }
  return out;
}

}  // namespace bh::jail
