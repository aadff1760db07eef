#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

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
  /// Top-level names that nobody knows. Firecracker ignores them, so they are worth a warning only.
  std::vector<std::string> ignored_sections;
};

inline constexpr std::string_view kDefaultBootArgs =
    "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd "
    "swiotlb=noforce";

/// Reads a configuration from JSON text and checks what can be checked without the host.
/// Errors name the section, and line and column as serde_json counts them.
Result<VmConfig> parse_config(std::string_view json);

/// Errc::Invalid if the host, with `host_memory` bytes, cannot hold the guest's memory.
Result<> check_fits(MachineConfig const& machine, std::uint64_t host_memory);

/// Reads and parses the file at `path`; errors start with it.
Result<VmConfig> load_config(std::string const& path);

/// The level of a name such as "Info", in any case; "Warn" is Warning.
Result<LogLevel> parse_log_level(std::string_view name);

}  // namespace bh::vmm
