#include "vmm/control/controller.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <string>
#include <utility>

#include "vmm/control/route.h"

namespace bh::vmm::control {

namespace {

/// Ours, for clients that do not want to match words.
std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::Invalid: return "invalid";
    case Errc::NotFound: return "not_found";
    case Errc::Exists: return "exists";
    case Errc::Denied: return "denied";
    case Errc::Busy: return "busy";
    case Errc::Timeout: return "timeout";
    case Errc::Corrupt: return "corrupt";
    case Errc::Unsupported: return "unsupported";
    case Errc::Io: return "io";
  }
  return "io";
}

/// What stands for "{id}" if `target` is of this pattern; "" if the pattern has no id.
std::optional<std::string_view> match(std::string_view pattern, std::string_view target) {
  auto const id = pattern.find("{id}");
  if (id == pattern.npos) {
    return pattern == target ? std::optional(std::string_view()) : std::nullopt;
  }
  auto const before = pattern.substr(0, id);
  if (!target.starts_with(before)) return std::nullopt;
  auto const rest = target.substr(before.size());
  return rest.find('/') == rest.npos ? std::optional(rest) : std::nullopt;
}

struct Found {
  Route const* route;
  std::string_view id;
};

std::optional<Found> find_route(std::string_view method, std::string_view target) {
  for (auto const table :
       {instance_routes(), boot_routes(), device_routes(), balloon_routes(), mmds_routes()}) {
    for (auto const& route : table) {
      if (route.method != method) continue;
      if (auto const id = match(route.path, target)) return Found{&route, *id};
    }
  }
  return std::nullopt;
}

Result<> check_id(Found const& found) {
  if (found.route->path.find("{id}") == std::string_view::npos) return {};
  if (found.id.empty()) return fail(Errc::Invalid, "The ID cannot be empty.");
  for (unsigned char const letter : found.id) {
    bool const fine = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                      (letter >= 'A' && letter <= 'Z') || letter == '_';
    if (!fine) {
      return fail(Errc::Invalid,
                  "API Resource IDs can only contain alphanumeric characters and underscores.");
    }
  }
  return {};
}

Result<> check_when(When when, bool started) {
  if (when == When::Before && started) {
    return fail(Errc::Busy, "The requested operation is not supported after starting the microVM.");
  }
  if (when == When::After && !started) {
    return fail(Errc::Busy,
                "The requested operation is not supported before starting the microVM.");
  }
  return {};
}

struct Prepared {
  When when;
  Action action;
};

/// Everything that can be found wrong without looking at the machine.
Result<Prepared> prepare(http::Request const& request) {
  std::string_view target = request.target;
  target = target.substr(0, target.find('?'));
  if (request.method == "GET" && !request.body.empty()) {
    return fail(Errc::Invalid, "GET request cannot have a body.");
  }
  while (target.size() > 1 && target.ends_with('/') && !find_route(request.method, target)) {
    target.remove_suffix(1);
  }
  auto const found = find_route(request.method, target);
  if (!found) {
    auto const path = target.starts_with('/') ? target.substr(1) : target;
    return fail(Errc::NotFound, "Invalid request method and/or path: " + request.method + " " +
                                    std::string(path) + ".");
  }
  BH_TRY(check_id(*found));
  auto const& route = *found->route;
  if (route.body == Body::Required && request.body.empty()) {
    return fail(Errc::Invalid, "Empty " + request.method + " request.");
  }
  Call call{.id = found->id, .text = request.body, .body = nullptr};
  JsonValue body;
  if (!request.body.empty() && route.body != Body::None) {
    auto parsed = parse_json(request.body);
    if (!parsed) return bad_body(std::move(parsed).error());
    body = *std::move(parsed);
    call.body = &body;
  }
  auto action = BH_TRY(route.prepare(call));
  return Prepared{route.when, std::move(action)};
}

}  // namespace

std::unexpected<Error> bad_body(Error error) {
  return fail(Errc::Invalid, "An error occurred when deserializing the json body of a request: " +
                                 error.message + ".");
}

Result<> check_same_id(Call const& call, std::string const& body_id) {
  if (call.id == body_id) return {};
  return fail(Errc::Invalid, "The id from the path does not match the id from the body!");
}

Result<Action> unsupported(std::string_view what) {
  return Action([words = std::string(what) + ": not supported"](Controller&) -> Result<Answer> {
    return fail(Errc::Unsupported, words);
  });
}

Controller::Controller(ControllerOptions options) : options_(std::move(options)) {}

http::Response Controller::failure(Error const& error) const {
  boost::json::object body{{"fault_message", error.message}};
  if (options_.error_codes == ErrorCodes::On) body["code"] = name_of(error.code);
  // Only a metadata store that is full answers otherwise.
  bool const too_large =
      error.code == Errc::Denied && error.message.find("MMDS") != error.message.npos;
  return {.status = too_large ? 413 : 400, .body = boost::json::serialize(body)};
}

http::Response Controller::handle(http::Request const& request) {
  auto prepared = prepare(request);
  if (!prepared) return failure(prepared.error());
  if (auto const allowed = check_when(prepared->when, started()); !allowed) {
    return failure(allowed.error());
  }
  auto answer = prepared->action(*this);
  if (!answer) return failure(answer.error());
  if (answer->empty()) return {.status = 204};
  return {.status = 200, .body = *std::move(answer)};
}

Result<> Controller::start() {
  if (!has_boot_source()) {
    return fail(Errc::Invalid, "Cannot start microvm without kernel configuration.");
  }
  BH_TRY(check_references(config()));
  machine_ = BH_TRY(options_.start(config()));
  return {};
}

}  // namespace bh::vmm::control
