#include <cstdlib>

#include "vmm/virtio/rng/device.h"
#include "vmm/virtio/testing/hostile_driver.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  virtio::testing::HostileGuest guest;
  auto const device = virtio::RngDevice::create({}, *guest.worker, guest.memory);
  if (!device) std::abort();
  virtio::testing::HostileDriver(**device, guest.memory).play({data, size});
  return 0;
}
