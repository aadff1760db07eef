#include "machine/definition_json.h"

#include <boost/json/array.hpp>

#include "image/json.h"

namespace bh::machine {

namespace {

using boost::json::object;

void put(object& json, std::string_view name, std::string const& text) {
  if (!text.empty()) json[name] = text;
}

void put(object& json, std::string_view name, std::optional<std::string> const& text) {
  if (text) json[name] = *text;
}

void put(object& json, std::string_view name, std::optional<std::uint64_t> const& number) {
  if (number) json[name] = *number;
}

void put(object& json, std::string_view name, std::vector<std::string> const& texts) {
  if (texts.empty()) return;
  json[name] = boost::json::array(texts.begin(), texts.end());
}

void put(object& json, std::string_view name, bool set) {
  if (set) json[name] = true;
}

object json_of(MicrovmOptions const& options) {
  object json;
  put(json, "kernel", options.kernel);
  put(json, "init", options.init);
  put(json, "engine", options.engine);
  put(json, "translate", options.translate);
  put(json, "code_cache", options.code_cache);
  put(json, "append", options.append);
  return json;
}

/// Absent is not the same as empty.
Result<std::optional<std::string>> maybe_text(object const& json, std::string_view name) {
  if (!json.contains(name)) return std::nullopt;
  return image::text_member(json, name);
}

Result<std::optional<std::uint64_t>> maybe_number(object const& json, std::string_view name) {
  if (!json.contains(name)) return std::nullopt;
  return image::number_member(json, name);
}

bool is_set(object const& json, std::string_view name) {
  auto const* const value = json.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

Result<MicrovmOptions> microvm_options_of(object const& json) {
  MicrovmOptions options;
  options.kernel = BH_TRY(image::text_member(json, "kernel"));
  options.init = BH_TRY(image::text_member(json, "init"));
  options.engine = BH_TRY(image::text_member(json, "engine"));
  options.translate = BH_TRY(image::text_member(json, "translate"));
  options.code_cache = BH_TRY(image::text_member(json, "code_cache"));
  options.append = BH_TRY(image::text_member(json, "append"));
  return options;
}

boost::json::array json_of(std::vector<NetworkWish> const& networks) {
  boost::json::array array;
  for (auto const& network : networks) {
    object json{{"name", network.name}};
    if (network.address) json["address"] = network.address->text();
    array.push_back(std::move(json));
  }
  return array;
}

Result<> read_joined(object const& json, Definition& definition) {
  constexpr std::size_t kMost = 64;
  auto const* const array = BH_TRY(image::array_member(json, "networks"));
  if (array == nullptr) return {};
  auto const networks = BH_TRY(image::objects_of(*array, "networks", kMost));
  for (auto const* const network : networks) {
    NetworkWish wish;
    wish.name = BH_TRY(image::text_member(*network, "name"));
    auto const address = BH_TRY(maybe_text(*network, "address"));
    if (address) wish.address = BH_TRY(net::Ipv4Address::parse(*address));
    definition.networks.push_back(std::move(wish));
  }
  return {};
}

Result<> read_network(object const& json, Definition& definition) {
  BH_TRY(read_joined(json, definition));
  definition.rate_in = BH_TRY(maybe_number(json, "rate_in"));
  definition.rate_out = BH_TRY(maybe_number(json, "rate_out"));
  auto const kind = BH_TRY(maybe_text(json, "network"));
  if (kind) definition.network = BH_TRY(parse_network_kind(*kind));
  auto const ports = BH_TRY(image::texts_member(json, "ports"));
  for (auto const& text : ports) {
    auto const port = BH_TRY(net::PublishedPort::parse(text));
    definition.ports.push_back(port);
  }
  return {};
}

Result<> read_mounts(object const& json, Definition& definition) {
  auto const* const array = BH_TRY(image::array_member(json, "mounts"));
  if (array == nullptr) return {};
  auto const objects = BH_TRY(image::objects_of(*array, "mounts", kMostMounts));
  for (auto const* const one : objects) {
    auto mount = BH_TRY(parse_mount(*one));
    definition.mounts.push_back(std::move(mount));
  }
  return {};
}

Result<> read_secrets(object const& json, Definition& definition) {
  auto const* const array = BH_TRY(image::array_member(json, "secrets"));
  if (array == nullptr) return {};
  auto const objects = BH_TRY(image::objects_of(*array, "secrets", kMostSecrets));
  for (auto const* const one : objects) {
    auto secret = BH_TRY(parse_secret(*one));
    definition.secrets.push_back(std::move(secret));
  }
  return {};
}

Result<std::optional<Probe>> maybe_probe(object const& json, std::string_view name) {
  auto const* const probe = BH_TRY(image::object_member(json, name));
  if (probe == nullptr) return std::nullopt;
  return parse_probe(*probe);
}

/// What the command is and where it runs.
Result<> read_command(object const& json, Definition& definition) {
  definition.command = BH_TRY(image::texts_member(json, "command"));
  definition.entrypoint = BH_TRY(maybe_text(json, "entrypoint"));
  definition.environment = BH_TRY(image::texts_member(json, "environment"));
  definition.working_folder = BH_TRY(maybe_text(json, "working_folder"));
  definition.user = BH_TRY(maybe_text(json, "user"));
  definition.host_name = BH_TRY(image::text_member(json, "host_name"));
  return {};
}

}  // namespace

object json_of(Definition const& definition) {
  object json{{"isolation", isolation_name(definition.isolation)},
              {"image", definition.image},
              {"image_digest", definition.image_digest}};
  put(json, "command", definition.command);
  put(json, "entrypoint", definition.entrypoint);
  put(json, "environment", definition.environment);
  put(json, "working_folder", definition.working_folder);
  put(json, "user", definition.user);
  put(json, "host_name", definition.host_name);
  put(json, "memory_mib", definition.memory_mib);
  put(json, "cpus", definition.cpus);
  if (definition.network != NetworkKind::None) json["network"] = network_name(definition.network);
  if (!definition.networks.empty()) json["networks"] = json_of(definition.networks);
  put(json, "rate_in", definition.rate_in);
  put(json, "rate_out", definition.rate_out);
  std::vector<std::string> ports;
  for (auto const& port : definition.ports) ports.push_back(port.text());
  put(json, "ports", ports);
  boost::json::array mounts;
  for (auto const& mount : definition.mounts) mounts.push_back(json_of(mount));
  if (!mounts.empty()) json["mounts"] = std::move(mounts);
  boost::json::array secrets;
  for (auto const& secret : definition.secrets) secrets.push_back(json_of(secret));
  if (!secrets.empty()) json["secrets"] = std::move(secrets);
  put(json, "read_only", definition.read_only);
  if (!definition.labels.empty()) {
    object labels;
    for (auto const& [name, value] : definition.labels) labels[name] = value;
    json["labels"] = std::move(labels);
  }
  json["restart"] = definition.restart.text();
  if (definition.liveness) json["liveness"] = json_of(*definition.liveness);
  if (definition.readiness) json["readiness"] = json_of(*definition.readiness);
  put(json, "remove_at_end", definition.remove_at_end);
  put(json, "terminal", definition.terminal);
  put(json, "keep_input", definition.keep_input);
  put(json, "disk_mib", definition.disk_mib);
  put(json, "log_bytes", definition.log_bytes);
  put(json, "log_files", definition.log_files);
  put(json, "stop_signal", definition.stop_signal);
  if (definition.isolation == Isolation::Microvm) json["microvm"] = json_of(definition.microvm);
  return json;
}

Result<Definition> parse_definition(std::string_view text) {
  auto const json = BH_TRY(image::parse_object(text));
  Definition definition;
  auto const isolation = BH_TRY(image::text_member(json, "isolation"));
  definition.isolation = BH_TRY(parse_isolation(isolation));
  definition.image = BH_TRY(image::text_member(json, "image"));
  definition.image_digest = BH_TRY(image::text_member(json, "image_digest"));
  BH_TRY(read_command(json, definition));
  BH_TRY(read_network(json, definition));
  BH_TRY(read_mounts(json, definition));
  BH_TRY(read_secrets(json, definition));
  definition.read_only = is_set(json, "read_only");
  definition.memory_mib = BH_TRY(maybe_number(json, "memory_mib"));
  definition.cpus = BH_TRY(maybe_number(json, "cpus"));
  definition.labels = BH_TRY(image::text_map_member(json, "labels"));
  auto const restart = BH_TRY(image::text_member(json, "restart"));
  definition.restart = BH_TRY(RestartPolicy::parse(restart));
  definition.liveness = BH_TRY(maybe_probe(json, "liveness"));
  definition.readiness = BH_TRY(maybe_probe(json, "readiness"));
  definition.remove_at_end = is_set(json, "remove_at_end");
  definition.terminal = is_set(json, "terminal");
  definition.keep_input = is_set(json, "keep_input");
  definition.disk_mib = BH_TRY(maybe_number(json, "disk_mib"));
  definition.log_bytes = BH_TRY(maybe_number(json, "log_bytes"));
  definition.log_files = BH_TRY(maybe_number(json, "log_files"));
  definition.stop_signal = BH_TRY(image::text_member(json, "stop_signal"));
  auto const* const microvm = BH_TRY(image::object_member(json, "microvm"));
  if (microvm != nullptr) definition.microvm = BH_TRY(microvm_options_of(*microvm));
  return definition;
}

}  // namespace bh::machine
