// What the API asks of the balloon.
#include <array>
#include <boost/json/object.hpp>
#include <string_view>

#include "vmm/vm/devices.h"

namespace bh::vmm {

namespace {

std::unexpected<Error> no_balloon() {
  return fail(Errc::NotFound, "No balloon device found.");
}

constexpr std::uint64_t kPagesPerMib = 256;

// By their tags, VIRTIO 1.2, 5.5.6.3.1.
constexpr std::array<std::string_view, virtio::BalloonDevice::kStatistics> kNames{
    "swap_in",      "swap_out",         "major_faults", "minor_faults",        "free_memory",
    "total_memory", "available_memory", "disk_caches",  "hugetlb_allocations", "hugetlb_failures"};

}  // namespace

Result<> Devices::set_balloon(std::uint64_t amount_mib) {
  if (balloon_ == nullptr) return no_balloon();
  Result<> changed;
  balloon_->worker().run_and_wait([&] { changed = balloon_->set_target(amount_mib); });
  return changed;
}

Result<> Devices::set_balloon_polling(std::uint64_t seconds) {
  if (balloon_ == nullptr) return no_balloon();
  Result<> changed;
  balloon_->worker().run_and_wait([&] { changed = balloon_->set_polling(seconds); });
  return changed;
}

Result<> Devices::start_balloon_hinting(bool acknowledge) {
  if (balloon_ == nullptr) return no_balloon();
  Result<> started;
  balloon_->worker().run_and_wait([&] { started = balloon_->start_hinting(acknowledge); });
  return started;
}

Result<> Devices::stop_balloon_hinting() {
  if (balloon_ == nullptr) return no_balloon();
  Result<> stopped;
  balloon_->worker().run_and_wait([&] { stopped = balloon_->stop_hinting(); });
  return stopped;
}

Result<boost::json::object> Devices::balloon_hinting() {
  if (balloon_ == nullptr) return no_balloon();
  Result<virtio::PageHinting> hinting;
  balloon_->worker().run_and_wait([&] { hinting = balloon_->hinting(); });
  if (!hinting) return std::unexpected(std::move(hinting).error());
  boost::json::object out{{"host_cmd", hinting->host_command()}};
  if (auto const said = hinting->guest_command()) out["guest_cmd"] = *said;
  return out;
}

Result<boost::json::object> Devices::balloon_statistics() {
  if (balloon_ == nullptr) return no_balloon();
  boost::json::object out;
  bool on = false;
  balloon_->worker().run_and_wait([&] {
    on = balloon_->has_statistics();
    out["target_pages"] = balloon_->target_pages();
    out["actual_pages"] = balloon_->actual_pages();
    out["target_mib"] = balloon_->target_pages() / kPagesPerMib;
    out["actual_mib"] = balloon_->actual_pages() / kPagesPerMib;
    for (std::size_t tag = 0; tag < kNames.size(); ++tag) {
      if (auto const value = balloon_->statistics()[tag]) out[kNames[tag]] = *value;
    }
  });
  if (!on) return fail(Errc::Invalid, "Statistics for the balloon device are not enabled");
  return out;
}

}  // namespace bh::vmm
