#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "vmm/api/encode.h"
#include "vmm/api/fields.h"
#include "vmm/control/route.h"

namespace bh::vmm::control {

namespace {

std::string_view state_of(Controller const& controller) {
  if (!controller.started()) return "Not started";
  return controller.paused() ? "Paused" : "Running";
}

Result<Action> get_instance(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    return boost::json::serialize(
        boost::json::object{{"app_name", "Firecracker"},
                            {"id", controller.options().id},
                            {"state", state_of(controller)},
                            {"vmm_version", controller.options().version}});
  };
}

Result<Action> get_version(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    return boost::json::serialize(
        boost::json::object{{"firecracker_version", controller.options().version}});
  };
}

Result<Action> get_config(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    return boost::json::serialize(encode(controller.config()));
  };
}

struct StateChange {
  std::size_t state = 0;
};
constexpr std::array<std::string_view, 2> kStates{"Paused", "Resumed"};
constexpr Field<StateChange> kStateFields[] = {
    {"state", Need::Required, [](JsonValue const& value, StateChange& out) -> Result<> {
       out.state = BH_TRY(decode_variant(value, kStates, LetterCase::Exact));
       return {};
     }}};

Result<Action> patch_vm(Call const& call) {
  StateChange change;
  auto decoded = decode_object(*call.body, "struct Vm", kStateFields, change);
  if (!decoded) return bad_body(std::move(decoded).error());
  return [pause = change.state == 0](Controller& controller) -> Result<Answer> {
    if (pause) {
      BH_TRY(controller.machine().pause());
    } else {
      BH_TRY(controller.machine().resume());
    }
    controller.set_paused(pause);
    return Answer();
  };
}

struct ActionBody {
  std::size_t type = 0;
};
constexpr std::array<std::string_view, 3> kActions{"FlushMetrics", "InstanceStart",
                                                   "SendCtrlAltDel"};
constexpr Field<ActionBody> kActionFields[] = {
    {"action_type", Need::Required, [](JsonValue const& value, ActionBody& out) -> Result<> {
       out.type = BH_TRY(decode_variant(value, kActions, LetterCase::Exact));
       return {};
     }}};

std::unexpected<Error> wrong_time(std::string_view when) {
  return fail(Errc::Busy, "The requested operation is not supported " + std::string(when) +
                              " starting the microVM.");
}

Result<Answer> run_action(std::size_t type, Controller& controller) {
  if (type == 1) {
    if (controller.started()) return wrong_time("after");
    BH_TRY(controller.start());
    return Answer();
  }
  if (!controller.started()) return wrong_time("before");
  if (type == 0) {
    BH_TRY(controller.options().flush_metrics());
  } else {
    BH_TRY(controller.machine().press_ctrl_alt_delete());
  }
  return Answer();
}

Result<Action> put_actions(Call const& call) {
  ActionBody body;
  auto decoded = decode_object(*call.body, "struct ActionBody", kActionFields, body);
  if (!decoded) return bad_body(std::move(decoded).error());
  return [type = body.type](Controller& controller) { return run_action(type, controller); };
}

constexpr std::array kRoutes{
    Route{"GET", "/", When::Always, Body::None, get_instance},
    Route{"GET", "/version", When::Always, Body::None, get_version},
    Route{"GET", "/vm/config", When::Always, Body::None, get_config},
    Route{"PATCH", "/vm", When::After, Body::Required, patch_vm},
    Route{"PUT", "/actions", When::Always, Body::Required, put_actions},
};

}  // namespace

std::span<Route const> instance_routes() {
  return kRoutes;
}

}  // namespace bh::vmm::control
