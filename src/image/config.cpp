#include "image/config.h"

#include <boost/json/serialize.hpp>
#include <utility>

#include "image/json.h"
#include "image/limits.h"

namespace bh::image {

namespace {

boost::json::array json_of(std::vector<std::string> const& texts) {
  boost::json::array array;
  for (auto const& text : texts) array.push_back(boost::json::value(text));
  return array;
}

boost::json::object names_json(std::vector<std::string> const& names) {
  boost::json::object object;
  for (auto const& name : names) object[name] = boost::json::object();
  return object;
}

Result<> read_healthcheck(boost::json::object const& json, ImageConfig& config) {
  auto const* const object = BH_TRY(object_member(json, "Healthcheck"));
  if (object == nullptr) return {};
  Healthcheck check;
  check.test = BH_TRY(texts_member(*object, "Test"));
  check.interval = BH_TRY(number_member(*object, "Interval"));
  check.timeout = BH_TRY(number_member(*object, "Timeout"));
  check.start_period = BH_TRY(number_member(*object, "StartPeriod"));
  check.retries = BH_TRY(number_member(*object, "Retries"));
  config.healthcheck = std::move(check);
  return {};
}

boost::json::object json_of(Healthcheck const& check) {
  boost::json::object json{{"Test", json_of(check.test)}};
  for (auto const& [name, value] : {std::pair{"Interval", check.interval},
                                    {"Timeout", check.timeout},
                                    {"StartPeriod", check.start_period},
                                    {"Retries", check.retries}}) {
    if (value != 0) json[name] = value;
  }
  return json;
}

Result<> read_execution(boost::json::object const& json, ImageConfig& config) {
  config.user = BH_TRY(text_member(json, "User"));
  config.environment = BH_TRY(texts_member(json, "Env"));
  config.entrypoint = BH_TRY(texts_member(json, "Entrypoint"));
  config.command = BH_TRY(texts_member(json, "Cmd"));
  config.working_folder = BH_TRY(text_member(json, "WorkingDir"));
  config.exposed_ports = BH_TRY(names_member(json, "ExposedPorts"));
  config.volumes = BH_TRY(names_member(json, "Volumes"));
  config.labels = BH_TRY(text_map_member(json, "Labels"));
  config.stop_signal = BH_TRY(text_member(json, "StopSignal"));
  config.triggers = BH_TRY(texts_member(json, "OnBuild"));
  return read_healthcheck(json, config);
}

Result<> read_history(boost::json::object const& json, ImageConfig& config) {
  auto const* const history = BH_TRY(array_member(json, "history"));
  if (history == nullptr) return {};
  // Lines without a layer come on top of those with one.
  auto const lines = BH_TRY(objects_of(*history, "history", 4 * kMostLayers));
  for (auto const* const line : lines) {
    HistoryEntry entry;
    entry.created = BH_TRY(text_member(*line, "created"));
    entry.created_by = BH_TRY(text_member(*line, "created_by"));
    entry.comment = BH_TRY(text_member(*line, "comment"));
    auto const* const empty = line->if_contains("empty_layer");
    entry.empty_layer = empty != nullptr && empty->is_bool() && empty->get_bool();
    config.history.push_back(std::move(entry));
  }
  return {};
}

boost::json::object execution_json(ImageConfig const& config) {
  boost::json::object json;
  if (!config.user.empty()) json["User"] = config.user;
  if (!config.exposed_ports.empty()) json["ExposedPorts"] = names_json(config.exposed_ports);
  if (!config.environment.empty()) json["Env"] = json_of(config.environment);
  if (!config.entrypoint.empty()) json["Entrypoint"] = json_of(config.entrypoint);
  if (!config.command.empty()) json["Cmd"] = json_of(config.command);
  if (!config.volumes.empty()) json["Volumes"] = names_json(config.volumes);
  if (!config.working_folder.empty()) json["WorkingDir"] = config.working_folder;
  if (!config.labels.empty()) {
    boost::json::object labels;
    for (auto const& [name, value] : config.labels) labels[name] = value;
    json["Labels"] = std::move(labels);
  }
  if (!config.stop_signal.empty()) json["StopSignal"] = config.stop_signal;
  if (!config.triggers.empty()) json["OnBuild"] = json_of(config.triggers);
  if (config.healthcheck) json["Healthcheck"] = json_of(*config.healthcheck);
  return json;
}

boost::json::array history_json(ImageConfig const& config) {
  boost::json::array history;
  for (auto const& entry : config.history) {
    boost::json::object line;
    if (!entry.created.empty()) line["created"] = entry.created;
    if (!entry.created_by.empty()) line["created_by"] = entry.created_by;
    if (!entry.comment.empty()) line["comment"] = entry.comment;
    if (entry.empty_layer) line["empty_layer"] = true;
    history.push_back(std::move(line));
  }
  return history;
}

}  // namespace

Result<ImageConfig> ImageConfig::parse(std::string_view text) {
  auto const json = BH_TRY(parse_object(text));
  ImageConfig config;
  config.created = BH_TRY(text_member(json, "created"));
  config.platform.os = BH_TRY(text_member(json, "os"));
  config.platform.architecture = BH_TRY(text_member(json, "architecture"));
  config.platform.variant = BH_TRY(text_member(json, "variant"));
  auto const* const execution = BH_TRY(object_member(json, "config"));
  if (execution != nullptr) BH_TRY(read_execution(*execution, config));
  BH_TRY(read_history(json, config));

  auto const* const rootfs = BH_TRY(object_member(json, "rootfs"));
  if (rootfs == nullptr) return fail(Errc::Corrupt, "it has no \"rootfs\"");
  auto const ids = BH_TRY(texts_member(*rootfs, "diff_ids"));
  if (ids.empty()) return fail(Errc::Unsupported, "the image has no layers");
  if (ids.size() > kMostLayers) {
    return fail(Errc::Unsupported, "the image has " + std::to_string(ids.size()) +
                                       " layers, at most " + std::to_string(kMostLayers));
  }
  for (auto const& id : ids) {
    auto digest = BH_TRY(Digest::parse(id));
    config.diff_ids.push_back(std::move(digest));
  }
  return config;
}

std::string ImageConfig::text() const {
  boost::json::object json;
  if (!created.empty()) json["created"] = created;
  json["architecture"] = platform.architecture;
  if (!platform.variant.empty()) json["variant"] = platform.variant;
  json["os"] = platform.os;
  json["config"] = execution_json(*this);
  boost::json::array ids;
  for (auto const& id : diff_ids) ids.push_back(boost::json::value(id.text()));
  json["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(ids)}};
  if (!history.empty()) json["history"] = history_json(*this);
  return boost::json::serialize(json);
}

Digest chain_id(std::vector<Digest> const& diff_ids) {
  Digest chain = diff_ids.at(0);
  for (std::size_t i = 1; i < diff_ids.size(); ++i) {
    chain = Digest::of(chain.text() + " " + diff_ids[i].text());
  }
  return chain;
}

}  // namespace bh::image
