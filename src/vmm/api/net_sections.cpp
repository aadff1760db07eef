#include <array>
#include <limits>

#include "vmm/api/fields.h"
#include "vmm/api/limit_sections.h"
#include "vmm/api/sections.h"

namespace bh::vmm {

namespace {

Result<> decode_mac(JsonValue const& value, NetworkInterfaceConfig& out) {
  if (is_null(value)) return {};
  BH_TRY(decode_string(value, out.guest_mac.emplace()));
  if (parse_mac(*out.guest_mac)) return {};
  return fail(Errc::Invalid, "invalid MAC address: " + *out.guest_mac + value.end.suffix());
}

Result<> decode_mtu(JsonValue const& value, NetworkInterfaceConfig& out) {
  if (is_null(value)) return {};
  return decode_unsigned(value, std::numeric_limits<std::uint16_t>::max(), "u16",
                         out.mtu.emplace());
}

Result<> decode_backend(JsonValue const& value, NetworkInterfaceConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"Tap", "User"};
  if (is_null(value)) return {};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.backend = static_cast<NetBackendKind>(index);
  return {};
}

Result<> decode_protocol(JsonValue const& value, PortForwardConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"tcp", "udp"};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.protocol = static_cast<ForwardProtocol>(index);
  return {};
}

Result<> decode_host_address(JsonValue const& value, PortForwardConfig& out) {
  BH_TRY(decode_text(value, out.host_address));
  if (parse_ipv4(out.host_address)) return {};
  return fail(Errc::Invalid, "invalid IPv4 address: " + out.host_address + value.end.suffix());
}

Result<> decode_port(JsonValue const& value, std::uint64_t& out) {
  BH_TRY(decode_unsigned(value, std::numeric_limits<std::uint16_t>::max(), "u16", out));
  if (out != 0) return {};
  return fail(Errc::Invalid, "port 0: must be 1 to 65535" + value.end.suffix());
}

constexpr Field<PortForwardConfig> kForwardFields[] = {
    {"protocol", Need::Optional, decode_protocol},
    {"host_address", Need::Optional, decode_host_address},
    {"host_port", Need::Required,
     [](JsonValue const& value, PortForwardConfig& out) {
       return decode_port(value, out.host_port);
     }},
    {"guest_port", Need::Required,
     [](JsonValue const& value, PortForwardConfig& out) {
       return decode_port(value, out.guest_port);
     }},
};

Result<> decode_forwards(JsonValue const& value, NetworkInterfaceConfig& out) {
  if (is_null(value)) return {};
  auto const* const array = std::get_if<JsonArray>(&value.content);
  if (array == nullptr) return invalid_type(value, "a sequence");
  for (auto const& element : *array) {
    BH_TRY(decode_object(element, "struct PortForward", kForwardFields,
                         out.port_forwards.emplace_back()));
  }
  return {};
}

Result<> decode_queue_pairs(JsonValue const& value, NetworkInterfaceConfig& out) {
  if (is_null(value)) return {};
  std::uint64_t count = 0;
  BH_TRY(decode_unsigned(value, kMostQueuePairs, "1 to 8", count));
  if (count == 0) return fail(Errc::Invalid, "queue_pairs 0: must be 1 to 8" + value.end.suffix());
  out.queue_pairs = static_cast<unsigned>(count);
  return {};
}

constexpr Field<NetworkInterfaceConfig> kInterfaceFields[] = {
    {"iface_id", Need::Required,
     [](JsonValue const& value, NetworkInterfaceConfig& out) {
       return decode_text(value, out.iface_id);
     }},
    {"host_dev_name", Need::Required,
     [](JsonValue const& value, NetworkInterfaceConfig& out) {
       return decode_text(value, out.host_dev_name);
     }},
    {"guest_mac", Need::Optional, decode_mac},
    {"mtu", Need::Optional, decode_mtu},
    {"rx_rate_limiter", Need::Optional,
     [](JsonValue const& value, NetworkInterfaceConfig& out) {
       return decode_rate_limiter(value, out.rx_rate_limiter);
     }},
    {"tx_rate_limiter", Need::Optional,
     [](JsonValue const& value, NetworkInterfaceConfig& out) {
       return decode_rate_limiter(value, out.tx_rate_limiter);
     }},
    {"backend", Need::Optional, decode_backend},
    {"queue_pairs", Need::Optional, decode_queue_pairs},
    {"host_loopback", Need::Optional,
     [](JsonValue const& value, NetworkInterfaceConfig& out) {
       return decode_flag(value, out.host_loopback);
     }},
    {"restricted", Need::Optional,
     [](JsonValue const& value, NetworkInterfaceConfig& out) {
       return decode_flag(value, out.restricted);
     }},
    {"port_forwards", Need::Optional, decode_forwards},
};

constexpr Field<NetworkInterfaceUpdate> kUpdateFields[] = {
    {"iface_id", Need::Required,
     [](JsonValue const& value, NetworkInterfaceUpdate& out) {
       return decode_text(value, out.iface_id);
     }},
    {"rx_rate_limiter", Need::Optional,
     [](JsonValue const& value, NetworkInterfaceUpdate& out) {
       return decode_rate_limiter(value, out.rx_rate_limiter);
     }},
    {"tx_rate_limiter", Need::Optional,
     [](JsonValue const& value, NetworkInterfaceUpdate& out) {
       return decode_rate_limiter(value, out.tx_rate_limiter);
     }},
};

Result<> decode_interfaces(JsonValue const& value, MmdsConfig& out) {
  auto const* const array = std::get_if<JsonArray>(&value.content);
  if (array == nullptr) return invalid_type(value, "a sequence");
  for (auto const& element : *array) {
    BH_TRY(decode_text(element, out.network_interfaces.emplace_back()));
  }
  return {};
}

Result<> decode_mmds_version(JsonValue const& value, MmdsConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"V1", "V2"};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.version = static_cast<MmdsVersion>(index);
  return {};
}

Result<> decode_ipv4(JsonValue const& value, MmdsConfig& out) {
  if (is_null(value)) return {};
  BH_TRY(decode_string(value, out.ipv4_address.emplace()));
  if (parse_ipv4(*out.ipv4_address)) return {};
  return fail(Errc::Invalid, "invalid IPv4 address syntax" + value.end.suffix());
}

constexpr Field<MmdsConfig> kMmdsFields[] = {
    {"version", Need::Optional, decode_mmds_version},
    {"network_interfaces", Need::Required, decode_interfaces},
    {"ipv4_address", Need::Optional, decode_ipv4},
    {"imds_compat", Need::Optional,
     [](JsonValue const& value, MmdsConfig& out) { return decode_flag(value, out.imds_compat); }},
};

}  // namespace

Result<> decode_section(JsonValue const& value, NetworkInterfaceConfig& out) {
  return decode_object(value, "struct NetworkInterfaceConfig", kInterfaceFields, out);
}

Result<> decode_section(JsonValue const& value, NetworkInterfaceUpdate& out) {
  return decode_object(value, "struct NetworkInterfaceUpdateConfig", kUpdateFields, out);
}

Result<> decode_section(JsonValue const& value, MmdsConfig& out) {
  return decode_object(value, "struct MmdsConfig", kMmdsFields, out);
}

}  // namespace bh::vmm
