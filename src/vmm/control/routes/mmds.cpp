#include <array>
#include <string>
#include <utility>

#include "vmm/control/route.h"

namespace bh::vmm::control {

namespace {

Result<Action> get_data(Call const&) {
  return
      [](Controller& controller) -> Result<Answer> { return controller.options().store->json(); };
}

Result<Action> put_data(Call const& call) {
  return [text = std::string(call.text)](Controller& controller) -> Result<Answer> {
    BH_TRY(controller.options().store->put(text));
    return Answer();
  };
}

Result<Action> patch_data(Call const& call) {
  return [text = std::string(call.text)](Controller& controller) -> Result<Answer> {
    BH_TRY(controller.options().store->patch(text));
    return Answer();
  };
}

Result<Action> put_config(Call const& call) {
  auto mmds = BH_TRY(decode_body<MmdsConfig>(call));
  return [mmds = std::move(mmds)](Controller& controller) mutable -> Result<Answer> {
    auto changed = controller.config();
    BH_TRY(put_mmds(changed, std::move(mmds)));
    BH_TRY(check_references(changed));
    controller.config() = std::move(changed);
    return Answer();
  };
}

constexpr std::array kRoutes{
    Route{"GET", "/mmds", When::Always, Body::None, get_data},
    Route{"PUT", "/mmds", When::Always, Body::Required, put_data},
    Route{"PATCH", "/mmds", When::Always, Body::Required, patch_data},
    Route{"PUT", "/mmds/config", When::Before, Body::Required, put_config},
};

}  // namespace

std::span<Route const> mmds_routes() {
  return kRoutes;
}

}  // namespace bh::vmm::control
