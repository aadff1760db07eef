#include <array>
#include <limits>

#include "vmm/api/fields.h"
#include "vmm/api/limit_sections.h"
#include "vmm/api/sections.h"

namespace bh::vmm {

namespace {

constexpr std::uint64_t kMaxQueues = 16;

Result<> decode_cache_type(JsonValue const& value, DriveConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"Unsafe", "Writeback"};
  if (is_null(value)) return {};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.cache_type = static_cast<CacheType>(index);
  return {};
}

Result<> decode_io_engine(JsonValue const& value, DriveConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"Sync", "Async"};
  if (is_null(value)) return {};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.io_engine = static_cast<IoEngine>(index);
  return {};
}

Result<> decode_overlay(JsonValue const& value, DriveConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"None", "Ephemeral"};
  if (is_null(value)) return {};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.overlay = static_cast<DriveOverlay>(index);
  return {};
}

Result<> decode_format(JsonValue const& value, DriveConfig& out) {
  constexpr std::array<std::string_view, 2> kNames{"Raw", "Qcow2"};
  if (is_null(value)) return {};
  auto const index = BH_TRY(decode_variant(value, kNames, LetterCase::Exact));
  out.format = static_cast<DriveFormat>(index);
  return {};
}

Result<> decode_num_queues(JsonValue const& value, DriveConfig& out) {
  if (is_null(value)) return {};
  std::uint64_t count = 0;
  BH_TRY(decode_unsigned(value, kMaxQueues, "1 to 16", count));
  if (count == 0) return fail(Errc::Invalid, "num_queues 0: must be 1 to 16" + value.end.suffix());
  out.num_queues = static_cast<unsigned>(count);
  return {};
}

constexpr Field<DriveConfig> kDriveFields[] = {
    {"drive_id", Need::Required,
     [](JsonValue const& value, DriveConfig& out) { return decode_text(value, out.drive_id); }},
    {"partuuid", Need::Optional,
     [](JsonValue const& value, DriveConfig& out) {
       return decode_optional_text(value, out.partuuid);
     }},
    {"is_root_device", Need::Required,
     [](JsonValue const& value, DriveConfig& out) {
       return decode_bool(value, out.is_root_device);
     }},
    {"cache_type", Need::Optional, decode_cache_type},
    {"is_read_only", Need::Optional,
     [](JsonValue const& value, DriveConfig& out) { return decode_flag(value, out.is_read_only); }},
    {"path_on_host", Need::Required,
     [](JsonValue const& value, DriveConfig& out) { return decode_text(value, out.path_on_host); }},
    {"rate_limiter", Need::Optional,
     [](JsonValue const& value, DriveConfig& out) {
       return decode_rate_limiter(value, out.rate_limiter);
     }},
    {"io_engine", Need::Optional, decode_io_engine},
    {"socket", Need::Optional,
     [](JsonValue const& value, DriveConfig&) -> Result<> {
       if (is_null(value)) return {};
       return not_supported("socket", value.end);
     }},
    {"overlay", Need::Optional, decode_overlay},
    {"num_queues", Need::Optional, decode_num_queues},
    {"format", Need::Optional, decode_format},
    {"allow_backing_file", Need::Optional,
     [](JsonValue const& value, DriveConfig& out) {
       return decode_flag(value, out.allow_backing_file);
     }},
};

constexpr Field<DriveUpdate> kDriveUpdateFields[] = {
    {"drive_id", Need::Required,
     [](JsonValue const& value, DriveUpdate& out) { return decode_text(value, out.drive_id); }},
    {"path_on_host", Need::Optional,
     [](JsonValue const& value, DriveUpdate& out) {
       return decode_optional_text(value, out.path_on_host);
     }},
    {"rate_limiter", Need::Optional,
     [](JsonValue const& value, DriveUpdate& out) {
       return decode_rate_limiter(value, out.rate_limiter);
     }},
};

constexpr Field<EntropyConfig> kEntropyFields[] = {
    {"rate_limiter", Need::Optional,
     [](JsonValue const& value, EntropyConfig& out) {
       return decode_rate_limiter(value, out.rate_limiter);
     }},
};

Result<> decode_cid(JsonValue const& value, VsockConfig& out) {
  return decode_unsigned(value, std::numeric_limits<std::uint32_t>::max(), "u32", out.guest_cid);
}

constexpr Field<VsockConfig> kVsockFields[] = {
    {"vsock_id", Need::Optional,
     [](JsonValue const& value, VsockConfig& out) {
       return decode_optional_text(value, out.vsock_id);
     }},
    {"guest_cid", Need::Required, decode_cid},
    {"uds_path", Need::Required,
     [](JsonValue const& value, VsockConfig& out) { return decode_text(value, out.uds_path); }},
};

constexpr Field<BalloonConfig> kBalloonFields[] = {
    {"amount_mib", Need::Required,
     [](JsonValue const& value, BalloonConfig& out) {
       return decode_unsigned(value, std::numeric_limits<std::uint32_t>::max(), "u32",
                              out.amount_mib);
     }},
    {"deflate_on_oom", Need::Required,
     [](JsonValue const& value, BalloonConfig& out) {
       return decode_bool(value, out.deflate_on_oom);
     }},
    {"stats_polling_interval_s", Need::Optional,
     [](JsonValue const& value, BalloonConfig& out) {
       return decode_unsigned(value, std::numeric_limits<std::uint16_t>::max(), "u16",
                              out.stats_polling_interval_s);
     }},
    {"free_page_hinting", Need::Optional,
     [](JsonValue const& value, BalloonConfig& out) {
       return decode_flag(value, out.free_page_hinting);
     }},
    {"free_page_reporting", Need::Optional,
     [](JsonValue const& value, BalloonConfig& out) {
       return decode_flag(value, out.free_page_reporting);
     }},
};

constexpr Field<SerialConfig> kSerialFields[] = {
    {"serial_out_path", Need::Optional,
     [](JsonValue const& value, SerialConfig& out) {
       return decode_optional_text(value, out.serial_out_path);
     }},
    {"rate_limiter", Need::Optional,
     [](JsonValue const& value, SerialConfig& out) {
       return decode_bucket(value, out.rate_limiter);
     }},
};

constexpr Field<MetricsConfig> kMetricsFields[] = {
    {"metrics_path", Need::Required,
     [](JsonValue const& value, MetricsConfig& out) {
       return decode_text(value, out.metrics_path);
     }},
    {"emit_id", Need::Optional,
     [](JsonValue const& value, MetricsConfig& out) { return decode_flag(value, out.emit_id); }},
};

Result<> decode_id(JsonValue const& value, std::uint64_t& out) {
  return decode_unsigned(value, std::numeric_limits<std::uint32_t>::max(), "u32", out);
}

constexpr Field<IdRangeConfig> kIdRangeFields[] = {
    {"guest", Need::Required,
     [](JsonValue const& value, IdRangeConfig& out) { return decode_id(value, out.guest); }},
    {"host", Need::Required,
     [](JsonValue const& value, IdRangeConfig& out) { return decode_id(value, out.host); }},
    {"count", Need::Required,
     [](JsonValue const& value, IdRangeConfig& out) { return decode_id(value, out.count); }},
};

Result<> decode_id_map(JsonValue const& value, std::vector<IdRangeConfig>& out) {
  if (is_null(value)) return {};
  auto const* const array = std::get_if<JsonArray>(&value.content);
  if (array == nullptr) return invalid_type(value, "a sequence");
  for (auto const& element : *array) {
    BH_TRY(decode_object(element, "struct IdRange", kIdRangeFields, out.emplace_back()));
  }
  return {};
}

constexpr Field<ShareConfig> kShareFields[] = {
    {"tag", Need::Required,
     [](JsonValue const& value, ShareConfig& out) { return decode_text(value, out.tag); }},
    {"path_on_host", Need::Required,
     [](JsonValue const& value, ShareConfig& out) { return decode_text(value, out.path_on_host); }},
    {"is_read_only", Need::Optional,
     [](JsonValue const& value, ShareConfig& out) { return decode_flag(value, out.is_read_only); }},
    {"uid_map", Need::Optional,
     [](JsonValue const& value, ShareConfig& out) { return decode_id_map(value, out.uid_map); }},
    {"gid_map", Need::Optional,
     [](JsonValue const& value, ShareConfig& out) { return decode_id_map(value, out.gid_map); }},
};

}  // namespace

Result<> decode_section(JsonValue const& value, DriveConfig& out) {
  return decode_object(value, "struct BlockDeviceConfig", kDriveFields, out);
}

Result<> decode_section(JsonValue const& value, DriveUpdate& out) {
  return decode_object(value, "struct BlockDeviceUpdateConfig", kDriveUpdateFields, out);
}

Result<> decode_section(JsonValue const& value, EntropyConfig& out) {
  return decode_object(value, "struct EntropyDeviceConfig", kEntropyFields, out);
}

Result<> decode_section(JsonValue const& value, VsockConfig& out) {
  return decode_object(value, "struct VsockDeviceConfig", kVsockFields, out);
}

Result<> decode_section(JsonValue const& value, BalloonConfig& out) {
  return decode_object(value, "struct BalloonDeviceConfig", kBalloonFields, out);
}

Result<> decode_section(JsonValue const& value, SerialConfig& out) {
  return decode_object(value, "struct SerialConfig", kSerialFields, out);
}

Result<> decode_section(JsonValue const& value, MetricsConfig& out) {
  return decode_object(value, "struct MetricsConfig", kMetricsFields, out);
}

Result<> decode_section(JsonValue const& value, ShareConfig& out) {
  return decode_object(value, "struct ShareConfig", kShareFields, out);
}

}  // namespace bh::vmm
