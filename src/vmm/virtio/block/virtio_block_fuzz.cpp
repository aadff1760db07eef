#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "os/unique_fd.h"
#include "vmm/virtio/block/device.h"
#include "vmm/virtio/block/io_ring.h"
#include "vmm/virtio/testing/hostile_driver.h"

/// The first byte chooses the kind of drive, the rest is what its driver does.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  if (size == 0) return 0;
  bh::os::UniqueFd const file(::memfd_create("image", MFD_CLOEXEC));
  if (::ftruncate(file.get(), 64 * 1024 + 512) != 0) std::abort();
  DriveConfig config{.drive_id = "fuzz",
                     .path_on_host = "/proc/self/fd/" + std::to_string(file.get())};
  config.is_read_only = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) config.overlay = DriveOverlay::Ephemeral;
  if ((data[0] & 4) != 0) config.cache_type = CacheType::Writeback;
  // Not both: an overlay has no file of its own for the ring.
  static bool const has_rings = virtio::IoRing::create().has_value();
  if ((data[0] & 10) == 8 && has_rings) config.io_engine = IoEngine::Async;
  config.num_queues = 1 + (data[0] >> 4) % 4;
  virtio::testing::HostileGuest guest;
  auto const device = virtio::BlockDevice::create(config, *guest.worker, guest.memory);
  if (!device) std::abort();
  virtio::testing::HostileDriver(**device, guest.memory).play({data + 1, size - 1});
  return 0;
}
