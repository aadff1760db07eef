#include "container/json/document.h"
#include "container/spec/spec.h"

namespace bh::jail {

using container::Json;
using container::optional_member;
using container::required_member;

Result<> decode(Json json, MemoryLimits& out) {
  BH_TRY(optional_member(json, "limit", out.limit));
  BH_TRY(optional_member(json, "reservation", out.reservation));
  BH_TRY(optional_member(json, "swap", out.swap));
  BH_TRY(optional_member(json, "kernel", out.kernel));
  BH_TRY(optional_member(json, "kernelTCP", out.kernel_tcp));
  BH_TRY(optional_member(json, "swappiness", out.swappiness));
  BH_TRY(optional_member(json, "disableOOMKiller", out.disable_oom_killer));
  BH_TRY(optional_member(json, "useHierarchy", out.use_hierarchy));
  BH_TRY(optional_member(json, "checkBeforeUpdate", out.check_before_update));
  // Engines write 0 for "nothing said".
  for (auto* const value :
       {&out.limit, &out.reservation, &out.swap, &out.kernel, &out.kernel_tcp}) {
    if (*value == 0) value->reset();
  }
  if (out.swappiness.value_or(0) > 100) return json.wrong("swappiness must be at most 100");
  return {};
}

Result<> decode(Json json, CpuLimits& out) {
  BH_TRY(optional_member(json, "shares", out.shares));
  BH_TRY(optional_member(json, "quota", out.quota));
  BH_TRY(optional_member(json, "burst", out.burst));
  BH_TRY(optional_member(json, "period", out.period));
  BH_TRY(optional_member(json, "realtimeRuntime", out.realtime_runtime));
  BH_TRY(optional_member(json, "realtimePeriod", out.realtime_period));
  BH_TRY(optional_member(json, "cpus", out.cpus));
  BH_TRY(optional_member(json, "mems", out.mems));
  BH_TRY(optional_member(json, "idle", out.idle));
  if (out.shares == 0U) out.shares.reset();
  if (out.period == 0U) out.period.reset();
  if (out.quota == 0) out.quota.reset();
  if (out.realtime_period == 0U) out.realtime_period.reset();
  if (out.realtime_runtime == 0) out.realtime_runtime.reset();
  if (out.cpus && out.cpus->empty()) out.cpus.reset();
  if (out.mems && out.mems->empty()) out.mems.reset();
  return {};
}

Result<> decode(Json json, DeviceRule& out) {
  BH_TRY(required_member(json, "allow", out.allow));
  std::string type = "a";
  BH_TRY(optional_member(json, "type", type));
  if (type.empty()) type = "a";
  if (type != "a" && type != "b" && type != "c" && type != "u") {
    return json.wrong("type must be a, b, c or u");
  }
  out.type = type == "u" ? 'c' : type[0];
  BH_TRY(optional_member(json, "major", out.major));
  BH_TRY(optional_member(json, "minor", out.minor));
  BH_TRY(optional_member(json, "access", out.access));
  if (out.access.empty()) out.access = "rwm";
  if (out.access.find_first_not_of("rwm") != out.access.npos) {
    return json.wrong("access must be of the letters r, w and m");
  }
  return {};
}

Result<> decode(Json json, WeightedDevice& out) {
  BH_TRY(required_member(json, "major", out.major));
  BH_TRY(required_member(json, "minor", out.minor));
  BH_TRY(optional_member(json, "weight", out.weight));
  return optional_member(json, "leafWeight", out.leaf_weight);
}

Result<> decode(Json json, ThrottledDevice& out) {
  BH_TRY(required_member(json, "major", out.major));
  BH_TRY(required_member(json, "minor", out.minor));
  return required_member(json, "rate", out.rate);
}

Result<> decode(Json json, BlockLimits& out) {
  BH_TRY(optional_member(json, "weight", out.weight));
  BH_TRY(optional_member(json, "leafWeight", out.leaf_weight));
  BH_TRY(optional_member(json, "weightDevice", out.weights));
  BH_TRY(optional_member(json, "throttleReadBpsDevice", out.read_bytes));
  BH_TRY(optional_member(json, "throttleWriteBpsDevice", out.write_bytes));
  BH_TRY(optional_member(json, "throttleReadIOPSDevice", out.read_operations));
  BH_TRY(optional_member(json, "throttleWriteIOPSDevice", out.write_operations));
  if (out.weight == 0) out.weight.reset();
  if (out.leaf_weight == 0) out.leaf_weight.reset();
  return {};
}

Result<> decode(Json json, HugepageLimit& out) {
  BH_TRY(required_member(json, "pageSize", out.page_size));
  if (out.page_size.find('/') != out.page_size.npos) return json.wrong("pageSize has a slash");
  return required_member(json, "limit", out.limit);
}

Result<> decode(Json json, NetworkPriority& out) {
  BH_TRY(required_member(json, "name", out.interface));
  return required_member(json, "priority", out.priority);
}

Result<> decode(Json json, RdmaLimit& out) {
  BH_TRY(optional_member(json, "hcaHandles", out.handles));
  return optional_member(json, "hcaObjects", out.objects);
}

Result<> decode(Json json, Resources& out) {
  BH_TRY(optional_member(json, "devices", out.devices));
  BH_TRY(optional_member(json, "memory", out.memory));
  BH_TRY(optional_member(json, "cpu", out.cpu));
  auto const pids = BH_TRY(json.member("pids"));
  if (pids) BH_TRY(optional_member(*pids, "limit", out.pids));
  if (out.pids == 0) out.pids.reset();
  BH_TRY(optional_member(json, "blockIO", out.block));
  BH_TRY(optional_member(json, "hugepageLimits", out.hugepages));
  auto const network = BH_TRY(json.member("network"));
  if (network) {
    BH_TRY(optional_member(*network, "classID", out.network_class));
    BH_TRY(optional_member(*network, "priorities", out.network_priorities));
  }
  BH_TRY(optional_member(json, "rdma", out.rdma));
  BH_TRY(optional_member(json, "unified", out.unified));
  if (out.network_class == 0U) out.network_class.reset();
  return {};
}

}  // namespace bh::jail

namespace bh::container {

Result<jail::Resources> parse_resources(std::string_view text) {
  auto const document = BH_TRY(Document::parse(text));
  jail::Resources resources;
  BH_TRY(jail::decode(document.root(), resources));
  return resources;
}

}  // namespace bh::container
