#pragma once

#include "base/error.h"
#include "vmm/api/config.h"
#include "vmm/api/device_config.h"
#include "vmm/api/json.h"

namespace bh::vmm {

/// One object of the configuration file, which is the body of an API request as well. Errors are
/// serde_json's; what needs the host is not checked. `out` is changed in part on an error.
Result<> decode_section(JsonValue const& value, BootSourceConfig& out);
Result<> decode_section(JsonValue const& value, MachineConfig& out);
Result<> decode_section(JsonValue const& value, LoggerConfig& out);
Result<> decode_section(JsonValue const& value, DriveConfig& out);
Result<> decode_section(JsonValue const& value, DriveUpdate& out);
Result<> decode_section(JsonValue const& value, NetworkInterfaceConfig& out);
Result<> decode_section(JsonValue const& value, NetworkInterfaceUpdate& out);
Result<> decode_section(JsonValue const& value, VsockConfig& out);
Result<> decode_section(JsonValue const& value, BalloonConfig& out);
Result<> decode_section(JsonValue const& value, EntropyConfig& out);
Result<> decode_section(JsonValue const& value, MmdsConfig& out);
Result<> decode_section(JsonValue const& value, SerialConfig& out);
Result<> decode_section(JsonValue const& value, MetricsConfig& out);
Result<> decode_section(JsonValue const& value, ShareConfig& out);
Result<> decode_section(JsonValue const& value, CpuTemplate& out);

/// A partial change: what `value` leaves out stays as it is. Errc::Invalid if it is empty.
Result<> decode_machine_update(JsonValue const& value, MachineConfig& out);

}  // namespace bh::vmm
