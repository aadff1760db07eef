#include "vmm/virtio/fs/device.h"

#include <algorithm>
#include <span>

namespace bh::vmm::virtio {

namespace {

/// 5.11.4.
struct FsConfigSpace {
  std::array<char, FsDevice::kTagSize> tag{};  // No zero byte after it if it fills the field.
  std::uint32_t request_queues = 1;
};
static_assert(sizeof(FsConfigSpace) == 40);

}  // namespace

Result<std::unique_ptr<FsDevice>> FsDevice::create(ShareConfig const& config, std::size_t max_nodes,
                                                   Worker& worker, GuestMemory& memory) {
  auto folder =
      BH_TRY(Folder::open(config.path_on_host, config.is_read_only ? Folder::Access::ReadOnly
                                                                   : Folder::Access::ReadWrite));
  return std::unique_ptr<FsDevice>(
      new FsDevice(config, std::move(folder), max_nodes, worker, memory));
}

FsDevice::FsDevice(ShareConfig const& config, Folder folder, std::size_t max_nodes, Worker& worker,
                   GuestMemory& memory)
    : VirtioDevice("share " + config.tag, worker),
      tag_(config.tag),
      memory_(memory),
      server_(
          std::move(folder),
          {.users = IdMap(config.uid_map), .groups = IdMap(config.gid_map), .max_nodes = max_nodes},
          metrics_) {}

std::vector<std::byte> FsDevice::config() const {
  FsConfigSpace space;
  std::ranges::copy(tag_.substr(0, kTagSize), space.tag.begin());
  auto const bytes = std::as_bytes(std::span(&space, 1));
  return {bytes.begin(), bytes.end()};
}

void FsDevice::process(std::size_t index) {
  drain(*queue(index), [this](Chain const& chain) -> std::optional<std::uint32_t> {
    return server_.answer(memory_, chain);
  });
}

}  // namespace bh::vmm::virtio
