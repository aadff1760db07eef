#include <gtest/gtest.h>

#include "vmm/api/config.h"

namespace bh::vmm {
namespace {

Result<VmConfig> parse(std::string_view sections) {
  return parse_config(R"({"boot-source":{"kernel_image_path":"k"},)" + std::string(sections) + "}");
}

std::string error_of(std::string_view sections) {
  auto const config = parse(sections);
  return config ? "no error" : config.error().message;
}

TEST(DeviceConfig, ReadsDrives) {
  auto const config = parse(R"("drives": [
    {"drive_id": "data", "path_on_host": "/d", "is_root_device": false, "io_engine": "Async",
     "cache_type": "Writeback", "rate_limiter": {
       "bandwidth": {"size": 1, "refill_time": 2, "one_time_burst": 3}, "ops": null}},
    {"drive_id": "root", "path_on_host": "/r", "is_root_device": true, "is_read_only": true,
     "partuuid": "0e-1", "overlay": "Ephemeral", "num_queues": 4, "socket": null}])");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->drives.size(), 2u);
  auto const& root = config->drives[0];
  EXPECT_EQ(root.drive_id, "root") << "the root comes first";
  EXPECT_TRUE(root.is_read_only);
  EXPECT_EQ(root.partuuid, "0e-1");
  EXPECT_EQ(root.overlay, DriveOverlay::Ephemeral);
  EXPECT_EQ(root.num_queues, 4u);
  auto const& data = config->drives[1];
  EXPECT_EQ(data.cache_type, CacheType::Writeback);
  EXPECT_EQ(data.io_engine, IoEngine::Async);
  EXPECT_EQ(data.rate_limiter->bandwidth, (TokenBucketConfig{1, 2, 3}));
  EXPECT_EQ(data.rate_limiter->ops, std::nullopt);
}

TEST(DeviceConfig, RefusesDrivesThatContradictEachOther) {
  auto const drive = [](std::string_view id) {
    return R"({"path_on_host":"p","is_root_device":true,"drive_id":")" + std::string(id) + "\"}";
  };
  EXPECT_EQ(error_of("\"drives\":[" + drive("a") + "," + drive("b") + "]"),
            "drives: A root block device already exists!");
  EXPECT_EQ(error_of("\"drives\":[" + drive("a") + "," + drive("a") + "]"), "no error");
  EXPECT_EQ(error_of("\"drives\":[" + drive("a/b") + "]"),
            "drives: drive_id \"a/b\": must be letters, digits, '_' and '-'");
}

TEST(DeviceConfig, ReadsNetworkInterfacesAndWhereMetadataIsFound) {
  auto const config = parse(R"("mmds-config": {"network_interfaces": ["eth0"], "version": "V2"},
    "network-interfaces": [{"iface_id": "eth0", "host_dev_name": "tap0", "mtu": 1400,
      "guest_mac": "06:00:ac:10:00:02", "tx_rate_limiter": {"ops": {"size":1,"refill_time":2}}}])");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->network_interfaces[0].mtu, 1400u);
  EXPECT_EQ(config->network_interfaces[0].tx_rate_limiter->ops, (TokenBucketConfig{1, 2, 0}));
  EXPECT_EQ(config->mmds->version, MmdsVersion::V2);
  EXPECT_EQ(error_of(R"("mmds-config": {"network_interfaces": ["eth0"]})"),
            "The list of network interface IDs provided contains at least one ID that does not "
            "correspond to any existing network interface.");
}

TEST(DeviceConfig, ReadsPortForwardsOfAUserNetwork) {
  auto const interface = [](std::string_view more) {
    return R"("network-interfaces": [{"iface_id": "eth0", "host_dev_name": "", )" +
           std::string(more) + "}]";
  };
  auto const config = parse(interface(R"("backend": "User", "restricted": true, "port_forwards": [
    {"host_port": 8080, "guest_port": 80},
    {"protocol": "udp", "host_address": "0.0.0.0", "host_port": 53, "guest_port": 5353}])"));
  ASSERT_TRUE(config) << config.error().message;
  auto const& made = config->network_interfaces[0];
  EXPECT_TRUE(made.restricted);
  ASSERT_EQ(made.port_forwards.size(), 2u);
  EXPECT_EQ(made.port_forwards[0], (PortForwardConfig{.host_port = 8080, .guest_port = 80}));
  EXPECT_EQ(made.port_forwards[1], (PortForwardConfig{ForwardProtocol::Udp, "0.0.0.0", 53, 5353}));
  auto const forward = [&](std::string_view one) {
    return interface(R"("backend": "User", "port_forwards": [)" + std::string(one) + "]");
  };
  EXPECT_EQ(error_of(interface(R"("port_forwards": [{"host_port": 1, "guest_port": 1}])")),
            "network-interfaces: port_forwards: only with backend \"User\"");
  EXPECT_NE(error_of(forward(R"({"host_port": 0, "guest_port": 80})")).find("port 0"),
            std::string::npos);
  EXPECT_NE(error_of(forward(R"({"host_port": 65536, "guest_port": 80})")).find("65536"),
            std::string::npos);
  EXPECT_NE(error_of(forward(R"({"host_address": "localhost", "host_port": 1, "guest_port": 80})"))
                .find("invalid IPv4 address: localhost"),
            std::string::npos);
}

TEST(DeviceConfig, ReadsTheOthers) {
  auto const config = parse(R"("vsock": {"guest_cid": 3, "uds_path": "v"}, "entropy": {},
    "balloon": {"amount_mib": 5, "deflate_on_oom": true, "stats_polling_interval_s": 1},
    "shares": [{"tag": "home", "path_on_host": "/h", "is_read_only": true}],
    "serial": {"serial_out_path": "s"}, "metrics": {"metrics_path": "m"})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->vsock->uds_path, "v");
  EXPECT_EQ(config->balloon->stats_polling_interval_s, 1u);
  EXPECT_TRUE(config->entropy);
  EXPECT_EQ(config->shares[0].tag, "home");
  EXPECT_EQ(config->serial->serial_out_path, "s");
  EXPECT_EQ(config->metrics->metrics_path, "m");
  EXPECT_EQ(error_of(R"("vsock": {"guest_cid": 2, "uds_path": "v"})"),
            "vsock: guest_cid 2: must be 3 to 4294967294");
}

TEST(MacAddress, IsSixHexadecimalBytes) {
  EXPECT_EQ(parse_mac("06:00:ac:10:00:fF").value()[5], 0xff);
  for (auto const* bad : {"", "06:00:ac:10:00", "06:00:ac:10:00:0g", "06-00-ac-10-00-02",
                          "06:00:ac:10:00:2 ", "06:00:ac:10:00:021"}) {
    EXPECT_FALSE(parse_mac(bad)) << bad;
  }
}

}  // namespace
}  // namespace bh::vmm
