// What of a machine can be asked for while it runs.
#include <chrono>

#include "vmm/vm/vm.h"

namespace bh::vmm {

namespace {

// A kicked vCPU leaves the guest within microseconds; more means that something is stuck.
constexpr std::chrono::milliseconds kPauseTimeout{2000};

}  // namespace

Result<> Vm::pause() {
  gate_.close();
  for (auto const& thread : threads_) thread->kick();
  if (gate_.wait_for(static_cast<unsigned>(threads_.size()), kPauseTimeout)) return {};
  gate_.open();
  return fail(Errc::Timeout, "pause: a vCPU did not stop in time; try again");
}

Result<> Vm::resume() {
  gate_.open();
  return {};
}

Result<> Vm::press_ctrl_alt_delete() {
  auto& keyboard = platform_->keyboard_controller();
  MutexLock const lock(keyboard.lock);
  return keyboard.device.press_ctrl_alt_delete();
}

bool Vm::press_power_button() {
  auto& power = platform_->acpi_power();
  MutexLock const lock(power.lock);
  return power.device.press_power_button();
}

Result<> Vm::update_drive(DriveUpdate const& update) {
  return devices_->update_drive(update);
}

Result<> Vm::update_network_interface(NetworkInterfaceUpdate const& update) {
  return devices_->update_network_interface(update);
}

Result<> Vm::set_balloon(std::uint64_t amount_mib) {
  return devices_->set_balloon(amount_mib);
}

Result<> Vm::set_balloon_polling(std::uint64_t seconds) {
  return devices_->set_balloon_polling(seconds);
}

Result<> Vm::start_balloon_hinting(bool acknowledge) {
  return devices_->start_balloon_hinting(acknowledge);
}

Result<> Vm::stop_balloon_hinting() {
  return devices_->stop_balloon_hinting();
}

Result<boost::json::object> Vm::balloon_hinting() {
  return devices_->balloon_hinting();
}

Result<boost::json::object> Vm::balloon_statistics() {
  return devices_->balloon_statistics();
}

boost::json::object Vm::metrics() {
  auto metrics = devices_->metrics();
  metrics["uart"] = {{"rate_limiter_dropped_bytes", platform_->dropped_console_bytes()}};
  return metrics;
}

}  // namespace bh::vmm
