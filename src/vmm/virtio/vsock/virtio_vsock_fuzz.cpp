#include <cstdlib>

#include "os/temporary_folder.h"
#include "os/unix_socket.h"
#include "vmm/virtio/testing/hostile_driver.h"
#include "vmm/virtio/vsock/device.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  static auto const folder = std::move(bh::os::TemporaryFolder::create("vsock").value());
  // Somebody a guest can reach, at port 7.
  static auto const service = std::move(bh::os::listen_unix(folder.path() + "/v_7").value());
  virtio::testing::HostileGuest guest;
  VsockConfig const config{.guest_cid = 3, .uds_path = folder.path() + "/v"};
  auto const device = virtio::VsockDevice::create(config, *guest.worker, guest.memory);
  if (!device) std::abort();
  virtio::testing::HostileDriver(**device, guest.memory).play({data, size});
  return 0;
}
