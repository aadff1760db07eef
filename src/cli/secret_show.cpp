// `secret ls` and `secret inspect`.
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cli/machines.h"
#include "cli/secret.h"
#include "cli/table.h"
#include "image/json.h"

namespace bh::cli {

namespace {

constexpr std::array kLsOptions{
    kMachineRootOption,
    Option{"--quiet", "", "Ids only", "-q"},
    kJsonOption,
};
constexpr std::array kInspectOptions{
    kMachineRootOption,
    Option{"--showsecret", "", "The value, too"},
};

Result<boost::json::object> json_of(machine::Store& machines, machine::Secret const& secret) {
  boost::json::object labels;
  for (auto const& [name, value] : secret.labels) labels[name] = value;
  boost::json::array names;
  auto const users = BH_TRY(machines.users_of(secret));
  for (auto const& user : users) names.push_back(boost::json::string(user.name));
  return boost::json::object{{"id", secret.id},
                             {"name", secret.name},
                             {"created", machine::rfc3339(secret.created)},
                             {"updated", machine::rfc3339(secret.updated)},
                             {"labels", std::move(labels)},
                             {"machines", std::move(names)}};
}

Result<int> ls(Context& context, Options const& options) {
  BH_TRY(need_words(options, 0, 0, "options"));
  auto machines = BH_TRY(open_machines(options));
  auto const secrets = BH_TRY(machines.secrets());
  boost::json::array array;
  Table table({"ID", "NAME", "CREATED", "UPDATED", "MACHINES"});
  for (auto const& secret : secrets) {
    if (options.has("--quiet")) {
      context.out << secret.id << "\n";
      continue;
    }
    auto json = BH_TRY(json_of(machines, secret));
    table.add({secret.id, secret.name, age_of(machine::rfc3339(secret.created)),
               age_of(machine::rfc3339(secret.updated)),
               std::to_string(json["machines"].as_array().size())});
    array.push_back(std::move(json));
  }
  if (options.has("--quiet")) return 0;
  if (options.has("--json")) {
    context.out << image::pretty(array);
  } else {
    table.print(context.out);
  }
  return 0;
}

/// JSON has no other bytes than those of UTF-8.
Result<std::string> text_of(machine::Store& machines, machine::Secret const& secret) {
  auto value = BH_TRY(machines.read_secret(secret));
  boost::system::error_code error;
  boost::json::parse(boost::json::serialize(boost::json::string(value)), error);
  if (!error) return value;
  return fail(Errc::Unsupported, "secret " + secret.name +
                                     " is no text (a machine reads it: run --secret " +
                                     secret.name + ")");
}

Result<int> inspect(Context& context, Options const& options) {
  if (options.words().empty()) return fail(Errc::Invalid, "SECRET... expected");
  auto machines = BH_TRY(open_machines(options));
  boost::json::array array;
  for (auto const& word : options.words()) {
    auto const secret = BH_TRY(machines.find_secret(word));
    auto json = BH_TRY(json_of(machines, secret));
    if (options.has("--showsecret")) {
      auto const text = BH_TRY(text_of(machines, secret));
      json["data"] = text;
    }
    array.push_back(std::move(json));
  }
  context.out << image::pretty(array);
  return 0;
}

}  // namespace

constinit Command const kSecretLs{
    .name = "ls",
    .usage = "secret ls [OPTION...]",
    .summary = "List secrets",
    .example = "bulkhead secret ls",
    .options = kLsOptions,
    .order = WordOrder::Mixed,
    .run = ls,
};

constinit Command const kSecretInspect{
    .name = "inspect",
    .usage = "secret inspect [OPTION...] SECRET...",
    .summary = "Show all that is known of secrets but their values, as JSON",
    .example = "bulkhead secret inspect password",
    .options = kInspectOptions,
    .order = WordOrder::Mixed,
    .run = inspect,
};

}  // namespace bh::cli
