#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <utility>

#include "vmm/api/decode.h"
#include "vmm/api/encode.h"
#include "vmm/api/fields.h"
#include "vmm/control/route.h"

namespace bh::vmm::control {

namespace {

std::unexpected<Error> no_balloon() {
  return fail(Errc::NotFound, "No balloon device found.");
}

Result<Action> put_balloon_route(Call const& call) {
  auto balloon = BH_TRY(decode_body<BalloonConfig>(call));
  return [balloon](Controller& controller) -> Result<Answer> {
    BH_TRY(put_balloon(controller.config(), balloon));
    return Answer();
  };
}

Result<Action> get_balloon(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    return boost::json::serialize(encode(*controller.config().balloon));
  };
}

struct Amount {
  std::uint64_t value = 0;
};
constexpr Field<Amount> kAmountFields[] = {
    {"amount_mib", Need::Required, [](JsonValue const& value, Amount& out) {
       return decode_unsigned(value, std::numeric_limits<std::uint32_t>::max(), "u32", out.value);
     }}};
constexpr Field<Amount> kIntervalFields[] = {
    {"stats_polling_interval_s", Need::Required, [](JsonValue const& value, Amount& out) {
       return decode_unsigned(value, std::numeric_limits<std::uint16_t>::max(), "u16", out.value);
     }}};

Result<Action> patch_balloon(Call const& call) {
  Amount amount;
  auto decoded = decode_object(*call.body, "struct BalloonUpdateConfig", kAmountFields, amount);
  if (!decoded) return bad_body(std::move(decoded).error());
  return [amount](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    BH_TRY(controller.machine().set_balloon(amount.value));
    controller.config().balloon->amount_mib = amount.value;
    return Answer();
  };
}

Result<Action> get_statistics(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    auto const statistics = BH_TRY(controller.machine().balloon_statistics());
    return boost::json::serialize(statistics);
  };
}

Result<Action> patch_statistics(Call const& call) {
  Amount interval;
  auto decoded =
      decode_object(*call.body, "struct BalloonUpdateStatsConfig", kIntervalFields, interval);
  if (!decoded) return bad_body(std::move(decoded).error());
  return [interval](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    BH_TRY(controller.machine().set_balloon_polling(interval.value));
    controller.config().balloon->stats_polling_interval_s = interval.value;
    return Answer();
  };
}

struct Hinting {
  bool acknowledge = true;
};
constexpr Field<Hinting> kHintingFields[] = {
    {"acknowledge_on_stop", Need::Optional,
     [](JsonValue const& value, Hinting& out) { return decode_flag(value, out.acknowledge); }}};

Result<Action> start_hinting(Call const& call) {
  Hinting hinting;
  if (call.body != nullptr) {
    auto decoded = decode_object(*call.body, "struct StartHintingCmd", kHintingFields, hinting);
    if (!decoded) return bad_body(std::move(decoded).error());
  }
  return [hinting](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    BH_TRY(controller.machine().start_balloon_hinting(hinting.acknowledge));
    return Answer();
  };
}

Result<Action> stop_hinting(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    BH_TRY(controller.machine().stop_balloon_hinting());
    return Answer();
  };
}

Result<Action> get_hinting(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    if (!controller.config().balloon) return no_balloon();
    auto const status = BH_TRY(controller.machine().balloon_hinting());
    return boost::json::serialize(status);
  };
}

constexpr std::array kRoutes{
    Route{"PUT", "/balloon", When::Before, Body::Required, put_balloon_route},
    Route{"GET", "/balloon", When::Always, Body::None, get_balloon},
    Route{"PATCH", "/balloon", When::After, Body::Required, patch_balloon},
    Route{"GET", "/balloon/statistics", When::After, Body::None, get_statistics},
    Route{"PATCH", "/balloon/statistics", When::After, Body::Required, patch_statistics},
    Route{"PATCH", "/balloon/hinting/start", When::After, Body::Optional, start_hinting},
    Route{"GET", "/balloon/hinting/status", When::After, Body::None, get_hinting},
    Route{"PATCH", "/balloon/hinting/stop", When::After, Body::Optional, stop_hinting},
};

}  // namespace

std::span<Route const> balloon_routes() {
  return kRoutes;
}

}  // namespace bh::vmm::control
