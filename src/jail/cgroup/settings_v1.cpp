#include <string_view>

#include "jail/cgroup/settings.h"

namespace bh::jail {

namespace {

using Settings = std::vector<CgroupSetting>;

template <typename Number>
void add(Settings& out, std::string_view controller, std::string_view file,
         std::optional<Number> const& value) {
  if (!value) return;
  out.push_back({std::string(controller), std::string(file), std::to_string(*value)});
}

void add_memory(MemoryLimits const& memory, Settings& out) {
  add(out, "memory", "memory.limit_in_bytes", memory.limit);
  add(out, "memory", "memory.memsw.limit_in_bytes", memory.swap);
  add(out, "memory", "memory.soft_limit_in_bytes", memory.reservation);
  add(out, "memory", "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp);
  // memory.kmem.limit_in_bytes does nothing since Linux 5.16, and the specification deprecates it.
  add(out, "memory", "memory.swappiness", memory.swappiness);
  if (memory.disable_oom_killer) out.push_back({"memory", "memory.oom_control", "1"});
}

void add_cpu(CpuLimits const& cpu, Settings& out) {
  add(out, "cpu", "cpu.shares", cpu.shares);
  add(out, "cpu", "cpu.rt_period_us", cpu.realtime_period);
  add(out, "cpu", "cpu.rt_runtime_us", cpu.realtime_runtime);
  add(out, "cpu", "cpu.cfs_period_us", cpu.period);
  add(out, "cpu", "cpu.cfs_quota_us", cpu.quota);
  add(out, "cpu", "cpu.cfs_burst_us", cpu.burst);
  add(out, "cpu", "cpu.idle", cpu.idle);
  if (cpu.cpus) out.push_back({"cpuset", "cpuset.cpus", *cpu.cpus});
  if (cpu.mems) out.push_back({"cpuset", "cpuset.mems", *cpu.mems});
}

std::string numbers(std::int64_t major, std::int64_t minor) {
  return std::to_string(major) + ":" + std::to_string(minor) + " ";
}

void add_throttles(std::vector<ThrottledDevice> const& devices, std::string_view file,
                   Settings& out) {
  for (auto const& device : devices) {
    out.push_back({"blkio", std::string(file),
                   numbers(device.major, device.minor) + std::to_string(device.rate)});
  }
}

void add_block(BlockLimits const& block, Settings& out) {
  add(out, "blkio", "blkio.weight", block.weight);
  add(out, "blkio", "blkio.leaf_weight", block.leaf_weight);
  for (auto const& device : block.weights) {
    auto const who = numbers(device.major, device.minor);
    if (device.weight) {
      out.push_back({"blkio", "blkio.weight_device", who + std::to_string(*device.weight)});
    }
    if (device.leaf_weight) {
      out.push_back(
          {"blkio", "blkio.leaf_weight_device", who + std::to_string(*device.leaf_weight)});
    }
  }
  add_throttles(block.read_bytes, "blkio.throttle.read_bps_device", out);
  add_throttles(block.write_bytes, "blkio.throttle.write_bps_device", out);
  add_throttles(block.read_operations, "blkio.throttle.read_iops_device", out);
  add_throttles(block.write_operations, "blkio.throttle.write_iops_device", out);
}

std::string rdma_value(std::string const& device, RdmaLimit const& limit) {
  std::string value = device;
  if (limit.handles) value += " hca_handle=" + std::to_string(*limit.handles);
  if (limit.objects) value += " hca_object=" + std::to_string(*limit.objects);
  return value;
}

}  // namespace

std::string device_line(DeviceRule const& rule) {
  auto const number = [](std::optional<std::int64_t> const& value) {
    return value && *value >= 0 ? std::to_string(*value) : std::string("*");
  };
  return std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " " +
         rule.access;
}

Result<Settings> settings_v1(Resources const& resources) {
  Settings out;
  if (!resources.unified.empty()) {
    return fail(Errc::Unsupported, "resources.unified: " + resources.unified.begin()->first +
                                       " needs cgroup v2; this host has the controller in v1");
  }
  add_memory(resources.memory, out);
  add_cpu(resources.cpu, out);
  if (resources.pids) {
    out.push_back({"pids", "pids.max",
                   *resources.pids > 0 ? std::to_string(*resources.pids) : std::string("max")});
  }
  add_block(resources.block, out);
  for (auto const& page : resources.hugepages) {
    out.push_back(
        {"hugetlb", "hugetlb." + page.page_size + ".limit_in_bytes", std::to_string(page.limit)});
  }
  add(out, "net_cls", "net_cls.classid", resources.network_class);
  for (auto const& one : resources.network_priorities) {
    out.push_back(
        {"net_prio", "net_prio.ifpriomap", one.interface + " " + std::to_string(one.priority)});
  }
  for (auto const& [device, limit] : resources.rdma) {
    out.push_back({"rdma", "rdma.max", rdma_value(device, limit)});
  }
  for (auto const& rule : resources.devices) {
    out.push_back({"devices", rule.allow ? "devices.allow" : "devices.deny",
                   rule.type == 'a' && !rule.major && !rule.minor ? "a" : device_line(rule)});
  }
  return out;
}

}  // namespace bh::jail
