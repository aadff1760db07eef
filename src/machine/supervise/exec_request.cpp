#include "machine/supervise/exec_request.h"

#include <boost/json/array.hpp>

#include "image/json.h"

namespace bh::machine {

namespace {

bool is_set(boost::json::object const& json, std::string_view name) {
  auto const* const value = json.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

boost::json::array array_of(std::vector<std::string> const& texts) {
  return boost::json::array(texts.begin(), texts.end());
}

}  // namespace

boost::json::object ExecRequest::json() const {
  boost::json::object json{{"words", array_of(words)}, {"environment", array_of(environment)},
                           {"terminal", terminal},     {"input", input},
                           {"rows", size.rows},        {"columns", size.columns}};
  if (working_folder) json["working_folder"] = *working_folder;
  if (user) json["user"] = *user;
  return json;
}

Result<ExecRequest> ExecRequest::parse(boost::json::object const& json) {
  ExecRequest request;
  request.words = BH_TRY(image::texts_member(json, "words"));
  if (request.words.empty()) return fail(Errc::Invalid, "no command to execute");
  request.environment = BH_TRY(image::texts_member(json, "environment"));
  auto const folder = BH_TRY(image::text_member(json, "working_folder"));
  if (!folder.empty()) request.working_folder = folder;
  auto const user = BH_TRY(image::text_member(json, "user"));
  if (!user.empty()) request.user = user;
  request.terminal = is_set(json, "terminal");
  request.input = is_set(json, "input");
  auto const rows = BH_TRY(image::number_member(json, "rows"));
  auto const columns = BH_TRY(image::number_member(json, "columns"));
  request.size = {.rows = static_cast<std::uint16_t>(rows),
                  .columns = static_cast<std::uint16_t>(columns)};
  return request;
}

Result<std::string> ExecRequest::for_guest() const {
  std::string text;
  auto const add = [&text](std::string_view key, std::string_view value) {
    text.append(key).append("=").append(value).push_back('\0');
  };
  for (auto const& variable : environment) add("env", variable);
  if (working_folder) add("folder", *working_folder);
  if (user) add("user", *user);
  if (terminal) add("terminal", "1");
  if (input) add("input", "1");
  if (whole) add("whole", "1");
  if (terminal && size.rows != 0) {
    add("size", std::to_string(size.rows) + "x" + std::to_string(size.columns));
  }
  for (auto const& word : words) add("word", word);
  if (text.size() > wire::kPayloadLimit) {
    return fail(Errc::Invalid, "the command is longer than 64 KiB; put it into a file");
  }
  return text;
}

}  // namespace bh::machine
