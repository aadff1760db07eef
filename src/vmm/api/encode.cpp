#include "vmm/api/encode.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace bh::vmm {

namespace {

namespace json = boost::json;

json::value encode(std::optional<std::string> const& text) {
  return text ? json::value(*text) : json::value();
}

json::value encode(std::optional<TokenBucketConfig> const& bucket) {
  if (!bucket) return {};
  return json::object{{"size", bucket->size},
                      {"one_time_burst", bucket->one_time_burst},
                      {"refill_time", bucket->refill_time_ms}};
}

json::value encode(std::optional<RateLimiterConfig> const& limiter) {
  if (!limiter) return {};
  return json::object{{"bandwidth", encode(limiter->bandwidth)}, {"ops", encode(limiter->ops)}};
}

json::object encode(BootSourceConfig const& source) {
  return {{"kernel_image_path", source.kernel_image_path},
          {"initrd_path", encode(source.initrd_path)},
          {"boot_args", encode(source.boot_args)}};
}

json::object encode(DriveConfig const& drive) {
  json::object object{
      {"drive_id", drive.drive_id},
      {"partuuid", encode(drive.partuuid)},
      {"is_root_device", drive.is_root_device},
      {"cache_type", drive.cache_type == CacheType::Unsafe ? "Unsafe" : "Writeback"},
      {"is_read_only", drive.is_read_only},
      {"path_on_host", drive.path_on_host},
      {"rate_limiter", encode(drive.rate_limiter)},
      {"io_engine", drive.io_engine == IoEngine::Sync ? "Sync" : "Async"},
      {"socket", nullptr}};
  // What only we have is shown only where it is used.
  if (drive.overlay == DriveOverlay::Ephemeral) object["overlay"] = "Ephemeral";
  if (drive.format == DriveFormat::Qcow2) object["format"] = "Qcow2";
  if (drive.allow_backing_file) object["allow_backing_file"] = true;
  if (drive.num_queues != 1) object["num_queues"] = drive.num_queues;
  return object;
}

json::array encode(std::vector<PortForwardConfig> const& forwards) {
  json::array array;
  for (auto const& forward : forwards) {
    array.emplace_back(
        json::object{{"protocol", forward.protocol == ForwardProtocol::Tcp ? "tcp" : "udp"},
                     {"host_address", forward.host_address},
                     {"host_port", forward.host_port},
                     {"guest_port", forward.guest_port}});
  }
  return array;
}

json::object encode(NetworkInterfaceConfig const& interface) {
  json::object object{{"iface_id", interface.iface_id},
                      {"host_dev_name", interface.host_dev_name},
                      {"guest_mac", encode(interface.guest_mac)},
                      {"rx_rate_limiter", encode(interface.rx_rate_limiter)},
                      {"tx_rate_limiter", encode(interface.tx_rate_limiter)}};
  if (interface.mtu) object["mtu"] = *interface.mtu;
  if (interface.backend == NetBackendKind::User) object["backend"] = "User";
  if (interface.queue_pairs != 1) object["queue_pairs"] = interface.queue_pairs;
  if (interface.host_loopback) object["host_loopback"] = true;
  if (interface.restricted) object["restricted"] = true;
  if (!interface.port_forwards.empty()) object["port_forwards"] = encode(interface.port_forwards);
  return object;
}

json::array encode(std::vector<IdRangeConfig> const& map) {
  json::array array;
  for (auto const& range : map) {
    array.emplace_back(
        json::object{{"guest", range.guest}, {"host", range.host}, {"count", range.count}});
  }
  return array;
}

json::object encode(ShareConfig const& share) {
  json::object object{{"tag", share.tag},
                      {"path_on_host", share.path_on_host},
                      {"is_read_only", share.is_read_only}};
  if (!share.uid_map.empty()) object["uid_map"] = encode(share.uid_map);
  if (!share.gid_map.empty()) object["gid_map"] = encode(share.gid_map);
  return object;
}

json::object encode(LoggerConfig const& logger) {
  constexpr std::array<char const*, 6> kNames{"Off", "Error", "Warning", "Info", "Debug", "Trace"};
  json::object object;
  object["log_path"] = encode(logger.log_path);
  if (logger.level) object["level"] = kNames[static_cast<std::size_t>(*logger.level)];
  if (logger.show_level) object["show_level"] = *logger.show_level;
  if (logger.show_log_origin) object["show_log_origin"] = *logger.show_log_origin;
  object["module"] = encode(logger.module);
  return object;
}

json::object encode(MmdsConfig const& mmds) {
  json::array interfaces;
  for (auto const& id : mmds.network_interfaces) interfaces.emplace_back(id);
  return {{"version", mmds.version == MmdsVersion::V1 ? "V1" : "V2"},
          {"network_interfaces", std::move(interfaces)},
          {"ipv4_address", mmds.ipv4_address.value_or("169.254.169.254")},
          {"imds_compat", mmds.imds_compat}};
}

template <typename Config>
json::array encode_all(std::vector<Config> const& configs) {
  json::array array;
  for (auto const& config : configs) array.emplace_back(encode(config));
  return array;
}

}  // namespace

json::object encode(MachineConfig const& machine) {
  constexpr std::array<char const*, 3> kHugePages{"None", "Transparent", "2M"};
  return {{"vcpu_count", machine.vcpu_count},
          {"mem_size_mib", machine.mem_size_mib},
          {"smt", false},
          {"track_dirty_pages", false},
          {"huge_pages", kHugePages[static_cast<std::size_t>(machine.huge_pages)]}};
}

json::object encode(BalloonConfig const& balloon) {
  return {{"amount_mib", balloon.amount_mib},
          {"deflate_on_oom", balloon.deflate_on_oom},
          {"stats_polling_interval_s", balloon.stats_polling_interval_s},
          {"free_page_hinting", balloon.free_page_hinting},
          {"free_page_reporting", balloon.free_page_reporting}};
}

json::object encode(VmConfig const& config) {
  json::object object;
  object["balloon"] = config.balloon ? json::value(encode(*config.balloon)) : json::value();
  object["drives"] = encode_all(config.drives);
  object["boot-source"] = encode(config.boot_source);
  object["cpu-config"] = nullptr;
  object["logger"] = encode(config.logger);
  object["machine-config"] = encode(config.machine);
  object["metrics"] =
      config.metrics ? json::value{{"metrics_path", config.metrics->metrics_path}} : json::value();
  object["memory-hotplug"] = nullptr;
  object["mmds-config"] = config.mmds ? json::value(encode(*config.mmds)) : json::value();
  object["network-interfaces"] = encode_all(config.network_interfaces);
  object["pmem"] = json::array();
  if (!config.shares.empty()) object["shares"] = encode_all(config.shares);
  object["vsock"] = config.vsock ? json::value(json::object{{"guest_cid", config.vsock->guest_cid},
                                                            {"uds_path", config.vsock->uds_path}})
                                 : json::value();
  object["entropy"] =
      config.entropy
          ? json::value(json::object{{"rate_limiter", encode(config.entropy->rate_limiter)}})
          : json::value();
  return object;
}

}  // namespace bh::vmm
