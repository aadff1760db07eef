#include <cstdlib>

#include "vmm/virtio/balloon/device.h"
#include "vmm/virtio/testing/hostile_driver.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  virtio::testing::HostileGuest guest;
  BalloonConfig const config{.deflate_on_oom = true,
                             .stats_polling_interval_s = 1,
                             .free_page_hinting = true,
                             .free_page_reporting = true};
  auto const device = virtio::BalloonDevice::create(config, *guest.worker, guest.memory);
  if (!device) std::abort();
  virtio::testing::HostileDriver(**device, guest.memory).play({data, size});
  return 0;
}
