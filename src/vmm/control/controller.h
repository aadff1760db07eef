#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "vmm/api/config.h"
#include "vmm/control/machine.h"
#include "vmm/http/request.h"
#include "vmm/mmds/store.h"

namespace bh::vmm::control {

enum class ErrorCodes : std::uint8_t { Off, On };

struct ControllerOptions {
  std::string id;
  std::string version;
  VmConfig config;  // What the configuration file said, or nothing.
  StartMachine start;
  mmds::Store* store = nullptr;  // Outlives the controller.
  /// Applies PUT /logger and PUT /metrics.
  std::move_only_function<Result<>(LoggerConfig const&)> set_logger;
  std::move_only_function<Result<>(MetricsConfig const&)> set_metrics;
  std::move_only_function<Result<>()> flush_metrics;
  /// Ours: errors carry a machine-readable "code" too.
  ErrorCodes error_codes = ErrorCodes::Off;
};

/// Answers API requests: collects the configuration before the machine starts, and passes on what
/// is asked of it afterwards. One thread calls it.
class Controller {
 public:
  explicit Controller(ControllerOptions options);

  /// Never fails: errors are answers.
  http::Response handle(http::Request const& request);
  /// Starts the machine with the configuration there is.
  Result<> start();

  // For the routes.

  VmConfig& config() { return options_.config; }
  ControllerOptions& options() { return options_; }
  bool started() const { return machine_ != nullptr; }
  /// Only once started.
  Machine& machine() { return *machine_; }
  bool paused() const { return paused_; }
  void set_paused(bool paused) { paused_ = paused; }
  bool has_boot_source() const { return !options_.config.boot_source.kernel_image_path.empty(); }

 private:
  http::Response failure(Error const& error) const;

  ControllerOptions options_;
  Machine* machine_ = nullptr;
  bool paused_ = false;
};

}  // namespace bh::vmm::control
