#include <cstdlib>
#include <filesystem>
#include <string>

#include "os/temporary_folder.h"
#include "vmm/virtio/fs/device.h"
#include "vmm/virtio/testing/hostile_driver.h"

/// The first byte chooses the kind of share, the rest is what its driver does. What must never
/// change is the file beside the shared folder.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  namespace fs = std::filesystem;
  if (size == 0) return 0;
  auto const scratch = bh::os::TemporaryFolder::create("bulkhead-fs-fuzz");
  if (!scratch) std::abort();
  fs::path const top = scratch->path();
  fs::create_directories(top / "shared" / "folder");
  fs::create_symlink("../secret", top / "shared" / "link");
  fs::create_directory(top / "secret");
  ShareConfig config{.tag = "fuzz", .path_on_host = top / "shared"};
  config.is_read_only = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) config.uid_map = {{0, 1000, 10}};
  virtio::testing::HostileGuest guest;
  {
    auto const device = virtio::FsDevice::create(config, 64, *guest.worker, guest.memory);
    if (!device) std::abort();
    virtio::testing::HostileDriver(**device, guest.memory).play({data + 1, size - 1});
  }
  if (!fs::is_empty(top / "secret")) std::abort();
  if (config.is_read_only && !fs::is_empty(top / "shared" / "folder")) std::abort();
  return 0;
}
