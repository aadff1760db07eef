#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bh::jail {

/// linux.resources of the OCI runtime specification; the units are its own. What is absent is left
/// as it is; -1 of a signed number means no limit.
struct MemoryLimits {
  std::optional<std::int64_t> limit;        // Bytes.
  std::optional<std::int64_t> reservation;  // Bytes.
  std::optional<std::int64_t> swap;         // Bytes of memory and swap together.
  std::optional<std::int64_t> kernel;       // Bytes; cgroup v1 only.
  std::optional<std::int64_t> kernel_tcp;   // Bytes; cgroup v1 only.
  std::optional<std::uint64_t> swappiness;  // 0 to 100; cgroup v1 only.
  bool disable_oom_killer = false;          // cgroup v1 only.
  bool use_hierarchy = false;
  bool check_before_update = false;
};

struct CpuLimits {
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;             // Microseconds a period.
  std::optional<std::uint64_t> burst;            // Microseconds.
  std::optional<std::uint64_t> period;           // Microseconds.
  std::optional<std::int64_t> realtime_runtime;  // Microseconds; cgroup v1 only.
  std::optional<std::uint64_t> realtime_period;  // Microseconds; cgroup v1 only.
  std::optional<std::string> cpus;
  std::optional<std::string> mems;
  std::optional<std::int64_t> idle;
};

struct DeviceRule {
  bool allow = false;
  char type = 'a';  // a, b or c.
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  std::string access = "rwm";
};

struct WeightedDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leaf_weight;
};

struct ThrottledDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint64_t rate = 0;  // Bytes or operations a second.
};

struct BlockLimits {
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leaf_weight;  // cgroup v1 only.
  std::vector<WeightedDevice> weights;
  std::vector<ThrottledDevice> read_bytes;
  std::vector<ThrottledDevice> write_bytes;
  std::vector<ThrottledDevice> read_operations;
  std::vector<ThrottledDevice> write_operations;
};

struct HugepageLimit {
  std::string page_size;    // "2MB"
  std::uint64_t limit = 0;  // Bytes.
};

struct NetworkPriority {
  std::string interface;
  std::uint32_t priority = 0;
};

struct RdmaLimit {
  std::optional<std::uint32_t> handles;
  std::optional<std::uint32_t> objects;
};

struct Resources {
  std::vector<DeviceRule> devices;
  MemoryLimits memory;
  CpuLimits cpu;
  std::optional<std::int64_t> pids;
  BlockLimits block;
  std::vector<HugepageLimit> hugepages;
  std::optional<std::uint32_t> network_class;  // cgroup v1 only.
  std::vector<NetworkPriority> network_priorities;
  std::map<std::string, RdmaLimit> rdma;
  std::map<std::string, std::string> unified;  // File to value; cgroup v2 only.
};

}  // namespace bh::jail
