#include "container/spec/spec.h"

namespace bh::os {

Result<> decode(container::Json json, IdMapping& out) {
  BH_TRY(container::required_member(json, "containerID", out.inside));
  BH_TRY(container::required_member(json, "hostID", out.outside));
  return container::required_member(json, "size", out.count);
}

}  // namespace bh::os

namespace bh::container {

Result<> decode_id_maps(Json json, os::IdMaps& out) {
  BH_TRY(optional_member(json, "uidMappings", out.users));
  BH_TRY(optional_member(json, "gidMappings", out.groups));
  auto const users = os::check_id_map(out.users);
  if (!users) return json.wrong("uidMappings: " + users.error().message);
  auto const groups = os::check_id_map(out.groups);
  if (!groups) return json.wrong("gidMappings: " + groups.error().message);
  return {};
}

Result<> decode(Json json, MountSpec& out) {
  BH_TRY(required_member(json, "destination", out.destination));
  BH_TRY(optional_member(json, "type", out.type));
  BH_TRY(optional_member(json, "source", out.source));
  BH_TRY(decode_id_maps(json, out.id_maps));
  std::vector<std::string> options;
  BH_TRY(optional_member(json, "options", options));
  auto parsed = jail::parse_mount_options(options);
  if (!parsed) return json.wrong("options: " + parsed.error().message);
  out.options = std::move(*parsed);
  // "Relative destinations were allowed and engines still write them": they are below the root too.
  if (out.destination.empty()) return json.wrong("destination is empty");
  if (out.type == "bind" && out.options.bind == jail::Bind::No) {
    out.options.bind = jail::Bind::Tree;
  }
  bool const mapped = !out.id_maps.users.empty() || !out.id_maps.groups.empty();
  if (mapped && (out.id_maps.users.empty() || out.id_maps.groups.empty())) {
    return json.wrong("uidMappings and gidMappings go together");
  }
  if (mapped && out.options.id_mapped == jail::IdMapped::No) {
    out.options.id_mapped = jail::IdMapped::Mount;
  }
  if (out.options.bind != jail::Bind::No && !out.options.remount && out.source.empty()) {
    return json.wrong("source of a bind mount is empty");
  }
  if (out.options.bind == jail::Bind::No && !out.options.remount && out.type.empty()) {
    return json.wrong("type is missing, and the options do not say bind");
  }
  return {};
}

Result<> decode(Json json, Hook& out) {
  BH_TRY(required_member(json, "path", out.path));
  BH_TRY(optional_member(json, "args", out.arguments));
  BH_TRY(optional_member(json, "env", out.environment));
  BH_TRY(optional_member(json, "timeout", out.timeout));
  if (!out.path.starts_with('/')) return json.wrong("path must begin with /");
  if (out.timeout && *out.timeout <= 0) return json.wrong("timeout must be more than 0");
  return {};
}

Result<> decode(Json json, Hooks& out) {
  BH_TRY(optional_member(json, "prestart", out.prestart));
  BH_TRY(optional_member(json, "createRuntime", out.create_runtime));
  BH_TRY(optional_member(json, "createContainer", out.create_container));
  BH_TRY(optional_member(json, "startContainer", out.start_container));
  BH_TRY(optional_member(json, "poststart", out.poststart));
  return optional_member(json, "poststop", out.poststop);
}

}  // namespace bh::container
