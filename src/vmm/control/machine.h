#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.h"
#include "vmm/api/config.h"

namespace bh::vmm::control {

/// What can be asked of a machine that runs. Every method returns soon, and may be called by any
/// one thread that is not the machine's own.
class Machine {
 public:
  virtual ~Machine() = default;

  virtual Result<> pause() = 0;
  virtual Result<> resume() = 0;
  virtual Result<> press_ctrl_alt_delete() = 0;
  virtual Result<> update_drive(DriveUpdate const& update) = 0;
  virtual Result<> update_network_interface(NetworkInterfaceUpdate const& update) = 0;
  virtual Result<> set_balloon(std::uint64_t amount_mib) = 0;
  virtual Result<> set_balloon_polling(std::uint64_t seconds) = 0;
  /// What GET /balloon/statistics answers.
  virtual Result<boost::json::object> balloon_statistics() = 0;
  /// Has the guest hint at its free pages once; with `acknowledge` it gets them back at the end.
  virtual Result<> start_balloon_hinting(bool acknowledge) = 0;
  virtual Result<> stop_balloon_hinting() = 0;
  /// What GET /balloon/hinting/status answers.
  virtual Result<boost::json::object> balloon_hinting() = 0;
  /// Counters of all devices, by Firecracker's names.
  virtual boost::json::object metrics() = 0;
};

/// Makes and starts a machine; it outlives the controller. On an error another try is allowed.
using StartMachine = std::move_only_function<Result<Machine*>(VmConfig const& config)>;

}  // namespace bh::vmm::control
