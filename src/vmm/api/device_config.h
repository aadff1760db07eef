#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bh::vmm {

/// Devices of a microVM as Firecracker's JSON names them; defaults are Firecracker's. What is ours
/// beyond that says so.

/// Every `refill_time_ms` the bucket is filled from empty; 0 there or in `size` means no limit.
struct TokenBucketConfig {
  std::uint64_t size = 0;
  std::uint64_t refill_time_ms = 0;
  std::uint64_t one_time_burst = 0;

  friend bool operator==(TokenBucketConfig const&, TokenBucketConfig const&) = default;
};

struct RateLimiterConfig {
  std::optional<TokenBucketConfig> bandwidth;  // Tokens are bytes.
  std::optional<TokenBucketConfig> ops;        // Tokens are requests or packets.

  friend bool operator==(RateLimiterConfig const&, RateLimiterConfig const&) = default;
};

enum class CacheType : std::uint8_t { Unsafe, Writeback };
/// Ours. Never guessed: a guest could write into a raw image what looks like another format.
enum class DriveFormat : std::uint8_t { Raw, Qcow2 };
enum class IoEngine : std::uint8_t { Sync, Async };
/// Ours. Ephemeral: the file is only read, and what the guest writes is gone with the machine.
enum class DriveOverlay : std::uint8_t { None, Ephemeral };

/// One of "drives".
struct DriveConfig {
  std::string drive_id;
  std::string path_on_host;
  bool is_root_device = false;
  bool is_read_only = false;
  std::optional<std::string> partuuid;
  CacheType cache_type = CacheType::Unsafe;
  IoEngine io_engine = IoEngine::Sync;
  std::optional<RateLimiterConfig> rate_limiter;
  DriveOverlay overlay = DriveOverlay::None;
  unsigned num_queues = 1;  // Ours: 1 to 16.
  DriveFormat format = DriveFormat::Raw;
  bool allow_backing_file =
      false;  // Ours: a qcow2 image may name another file for the guest to read.
};

/// What of a drive can change while the machine runs.
struct DriveUpdate {
  std::string drive_id;
  std::optional<std::string> path_on_host;
  std::optional<RateLimiterConfig> rate_limiter;
};

/// Ours: what an interface is connected to. User: a network of its own in user space, for hosts
/// where nobody may make a tap; host_dev_name is then of no meaning.
enum class NetBackendKind : std::uint8_t { Tap, User };

enum class ForwardProtocol : std::uint8_t { Tcp, Udp };

/// Ours, one of "port_forwards": who connects to this port of the host reaches the guest's.
struct PortForwardConfig {
  ForwardProtocol protocol = ForwardProtocol::Tcp;
  std::string host_address = "127.0.0.1";  // IPv4
  std::uint64_t host_port = 0;             // 1 to 65535, as the guest's.
  std::uint64_t guest_port = 0;

  friend bool operator==(PortForwardConfig const&, PortForwardConfig const&) = default;
};

inline constexpr unsigned kMostQueuePairs = 8;

/// One of "network-interfaces".
struct NetworkInterfaceConfig {
  std::string iface_id;
  std::string host_dev_name;
  std::optional<std::string> guest_mac;
  std::optional<std::uint64_t> mtu;  // 68 to 65535
  std::optional<RateLimiterConfig> rx_rate_limiter;
  std::optional<RateLimiterConfig> tx_rate_limiter;
  NetBackendKind backend = NetBackendKind::Tap;
  unsigned queue_pairs = 1;    // Ours: 1 to kMostQueuePairs; several only with a tap.
  bool host_loopback = false;  // Ours: a user network reaches the host's loopback at 10.0.2.2.
  bool restricted = false;  // Ours: nothing leaves a user network but answers of forwarded ports.
  std::vector<PortForwardConfig> port_forwards;  // Ours, of a user network.
};

struct NetworkInterfaceUpdate {
  std::string iface_id;
  std::optional<RateLimiterConfig> rx_rate_limiter;
  std::optional<RateLimiterConfig> tx_rate_limiter;
};

/// "vsock".
struct VsockConfig {
  std::uint64_t guest_cid = 3;  // 3 to 2^32 - 2
  std::string uds_path;
  std::optional<std::string> vsock_id;  // Deprecated, of no meaning.
};

/// "balloon".
struct BalloonConfig {
  std::uint64_t amount_mib = 0;
  bool deflate_on_oom = false;
  std::uint64_t stats_polling_interval_s = 0;  // 0: no statistics.
  bool free_page_hinting = false;
  bool free_page_reporting = false;
};

/// "entropy".
struct EntropyConfig {
  std::optional<RateLimiterConfig> rate_limiter;
};

enum class MmdsVersion : std::uint8_t { V1, V2 };

/// "mmds-config".
struct MmdsConfig {
  std::vector<std::string> network_interfaces;
  MmdsVersion version = MmdsVersion::V1;
  std::optional<std::string> ipv4_address;  // Absent: 169.254.169.254.
  bool imds_compat = false;
};

/// "serial". With a path, what the guest prints goes there, and nothing is read.
struct SerialConfig {
  std::optional<std::string> serial_out_path;
  std::optional<TokenBucketConfig> rate_limiter;
};

/// "metrics".
struct MetricsConfig {
  std::string metrics_path;
  bool emit_id = false;
};

/// `count` users or groups of the guest, from `guest` on, are those of the host from `host` on.
struct IdRangeConfig {
  std::uint64_t guest = 0;
  std::uint64_t host = 0;
  std::uint64_t count = 0;

  friend bool operator==(IdRangeConfig const&, IdRangeConfig const&) = default;
};

/// One of "shares"; ours: a folder of the host that the guest mounts by its tag, as virtio-fs.
struct ShareConfig {
  std::string tag;
  std::string path_on_host;
  bool is_read_only = false;
  // Empty: every id is itself.
  std::vector<IdRangeConfig> uid_map;
  std::vector<IdRangeConfig> gid_map;
};

}  // namespace bh::vmm
