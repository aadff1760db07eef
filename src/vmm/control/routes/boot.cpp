#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <utility>

#include "vmm/api/encode.h"
#include "vmm/control/route.h"

namespace bh::vmm::control {

namespace {

Result<> readable(std::string const& path, std::string_view what) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return fail_errno(std::string(what) + " " + path, errno);
}

Result<Action> put_boot_source(Call const& call) {
  auto source = BH_TRY(decode_body<BootSourceConfig>(call));
  return [source = std::move(source)](Controller& controller) mutable -> Result<Answer> {
    BH_TRY(readable(source.kernel_image_path, "The kernel file cannot be opened: open"));
    if (source.initrd_path) {
      BH_TRY(readable(*source.initrd_path, "The initrd file cannot be opened: open"));
    }
    controller.config().boot_source = std::move(source);
    return Answer();
  };
}

Result<Action> get_machine_config(Call const&) {
  return [](Controller& controller) -> Result<Answer> {
    return boost::json::serialize(encode(controller.config().machine));
  };
}

Result<Action> put_machine_config(Call const& call) {
  auto machine = BH_TRY(decode_body<MachineConfig>(call));
  return [machine](Controller& controller) -> Result<Answer> {
    controller.config().machine = machine;
    return Answer();
  };
}

Result<Action> patch_machine_config(Call const& call) {
  // Once to find what is wrong with it, and once onto what there is then.
  MachineConfig scratch;
  if (auto decoded = decode_machine_update(*call.body, scratch); !decoded) {
    if (decoded.error().message == "Empty PATCH request.") {
      return std::unexpected(std::move(decoded).error());
    }
    return bad_body(std::move(decoded).error());
  }
  return [body = *call.body](Controller& controller) -> Result<Answer> {
    BH_TRY(decode_machine_update(body, controller.config().machine));
    return Answer();
  };
}

Result<Action> put_cpu_config(Call const& call) {
  auto cpu = BH_TRY(decode_body<CpuTemplate>(call));
  return [cpu = std::move(cpu)](Controller& controller) mutable -> Result<Answer> {
    controller.config().cpu_template = std::move(cpu);
    return Answer();
  };
}

Result<Action> put_logger(Call const& call) {
  auto logger = BH_TRY(decode_body<LoggerConfig>(call));
  return [logger = std::move(logger)](Controller& controller) mutable -> Result<Answer> {
    BH_TRY(controller.options().set_logger(logger));
    controller.config().logger = std::move(logger);
    return Answer();
  };
}

Result<Action> put_metrics(Call const& call) {
  auto metrics = BH_TRY(decode_body<MetricsConfig>(call));
  return [metrics = std::move(metrics)](Controller& controller) mutable -> Result<Answer> {
    BH_TRY(controller.options().set_metrics(metrics));
    controller.config().metrics = std::move(metrics);
    return Answer();
  };
}

Result<Action> put_serial(Call const& call) {
  auto serial = BH_TRY(decode_body<SerialConfig>(call));
  return [serial = std::move(serial)](Controller& controller) mutable -> Result<Answer> {
    controller.config().serial = std::move(serial);
    return Answer();
  };
}

constexpr std::array kRoutes{
    Route{"PUT", "/boot-source", When::Before, Body::Required, put_boot_source},
    Route{"GET", "/machine-config", When::Always, Body::None, get_machine_config},
    Route{"PUT", "/machine-config", When::Before, Body::Required, put_machine_config},
    Route{"PATCH", "/machine-config", When::Before, Body::Required, patch_machine_config},
    Route{"PUT", "/cpu-config", When::Before, Body::Required, put_cpu_config},
    Route{"PUT", "/logger", When::Before, Body::Required, put_logger},
    Route{"PUT", "/metrics", When::Before, Body::Required, put_metrics},
    Route{"PUT", "/serial", When::Before, Body::Required, put_serial},
};

}  // namespace

std::span<Route const> boot_routes() {
  return kRoutes;
}

}  // namespace bh::vmm::control
