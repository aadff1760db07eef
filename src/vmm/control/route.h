#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "vmm/api/json.h"
#include "vmm/api/sections.h"
#include "vmm/control/controller.h"

namespace bh::vmm::control {

/// One request, its path and body taken apart.
struct Call {
  std::string_view id;              // What stands in the place of "{id}", if the path has one.
  std::string_view text;            // The body.
  JsonValue const* body = nullptr;  // The same, parsed; absent if there is none.
};

/// The body of a 200, or nothing for a 204.
using Answer = std::string;
/// What is left to do once the request is known to be right in itself.
using Action = std::move_only_function<Result<Answer>(Controller&)>;

/// When a request is in order.
enum class When : std::uint8_t { Before, After, Always };
enum class Body : std::uint8_t { None, Optional, Required };

/// A row of the API.
struct Route {
  std::string_view method;
  std::string_view path;  // "{id}" stands for one part that names a device.
  When when;
  Body body;
  Result<Action> (*prepare)(Call const& call);
};

/// The tables, by the files that hold them.
std::span<Route const> instance_routes();
std::span<Route const> boot_routes();
std::span<Route const> device_routes();
std::span<Route const> balloon_routes();
std::span<Route const> mmds_routes();

std::unexpected<Error> bad_body(Error error);
/// The id in the path and the one in the body are the same.
Result<> check_same_id(Call const& call, std::string const& body_id);
/// An Action that is refused.
Result<Action> unsupported(std::string_view what);

/// A body that is one of our objects; errors in Firecracker's words.
template <typename Object>
Result<Object> decode_body(Call const& call) {
  Object object;
  auto decoded = decode_section(*call.body, object);
  if (!decoded) return bad_body(std::move(decoded).error());
  return object;
}

}  // namespace bh::vmm::control
