#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vmm/api/device_config.h"
#include "vmm/engine/cpu_template.h"

namespace bh::vmm {

/// What a microVM is made of: the JSON of Firecracker's --config-file as values. Sizes are in the
/// units of the field's name. Defaults are Firecracker's.

/// "boot-source".
struct BootSourceConfig {
  std::string kernel_image_path;
  std::optional<std::string> boot_args;  // Absent: kDefaultBootArgs.
  std::optional<std::string> initrd_path;
};

enum class HugePagesConfig : std::uint8_t { None, Transparent, TwoMebibytes };

/// "machine-config".
struct MachineConfig {
  unsigned vcpu_count = 1;
  std::uint64_t mem_size_mib = 128;
  HugePagesConfig huge_pages = HugePagesConfig::None;
};

/// In the order of severity: a logger set to one shows it and those before it.
enum class LogLevel : std::uint8_t { Off, Error, Warning, Info, Debug, Trace };

/// "logger". What the command line also gives wins over it.
struct LoggerConfig {
  std::optional<std::string> log_path;
  std::optional<LogLevel> level;
  std::optional<bool> show_level;
  std::optional<bool> show_log_origin;
  std::optional<std::string> module;  // Only messages whose origin starts with it.
};

struct VmConfig {
  BootSourceConfig boot_source;
  MachineConfig machine;
  LoggerConfig logger;
  std::vector<DriveConfig> drives;
  std::vector<NetworkInterfaceConfig> network_interfaces;
  std::optional<VsockConfig> vsock;
  std::optional<BalloonConfig> balloon;
  std::optional<EntropyConfig> entropy;
  std::optional<MmdsConfig> mmds;
  std::optional<SerialConfig> serial;
  std::optional<MetricsConfig> metrics;
  std::vector<ShareConfig> shares;
  std::optional<std::string> cpu_template_path;  // load_config() reads it.
  CpuTemplate cpu_template;
  /// Top-level names that nobody knows. Firecracker ignores them, so they are worth a warning only.
  std::vector<std::string> ignored_sections;
};

inline constexpr std::string_view kDefaultBootArgs =
    "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd "
    "swiotlb=noforce";

/// Reads a configuration from JSON text and checks what can be checked without the host.
/// Errors name the section, and line and column as serde_json counts them.
Result<VmConfig> parse_config(std::string_view json);

/// Puts a device in the place of the one with its id, or behind all others, unless the devices then
/// contradict each other: two root drives, an id that is empty or has other characters than
/// letters, digits, '_' and '-', a CID or MAC address that cannot be.
Result<> put_drive(VmConfig& config, DriveConfig drive);
Result<> put_network_interface(VmConfig& config, NetworkInterfaceConfig interface);
Result<> put_vsock(VmConfig& config, VsockConfig vsock);
Result<> put_balloon(VmConfig& config, BalloonConfig balloon);
Result<> put_mmds(VmConfig& config, MmdsConfig mmds);
Result<> put_share(VmConfig& config, ShareConfig share);

/// Errc::Invalid if a part names another that is not there.
Result<> check_references(VmConfig const& config);

/// Bytes of "06:00:ac:10:00:02".
Result<std::array<std::uint8_t, 6>> parse_mac(std::string_view text);
/// Bytes of "169.254.169.254".
Result<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text);

/// Errc::Invalid if the host, with `host_memory` bytes, cannot hold the guest's memory.
Result<> check_fits(MachineConfig const& machine, std::uint64_t host_memory);

/// Reads a CPU template from JSON text.
Result<CpuTemplate> parse_cpu_template(std::string_view json);

/// Reads and parses the file at `path`, and the CPU template it names; errors start with the file.
Result<VmConfig> load_config(std::string const& path);

/// The level of a name such as "Info", in any case; "Warn" is Warning.
Result<LogLevel> parse_log_level(std::string_view name);

}  // namespace bh::vmm
