#include <cstdlib>
#include <utility>

#include "vmm/virtio/net/device.h"
#include "vmm/virtio/testing/hostile_driver.h"

namespace {

using namespace bh::vmm;

/// Gives back what it was sent, as the guest's next frame.
class Mirror final : public virtio::NetBackend {
 public:
  std::uint64_t features() const override { return virtio::kNetChecksum; }
  void negotiated(std::uint64_t) override {}
  bool send(std::span<virtio::Segment const> frame) override {
    frame_.resize(virtio::total_size(frame));
    virtio::ChainReader(frame).read(frame_);
    return true;
  }
  std::size_t receive(std::span<std::byte> out) override {
    if (frame_.size() > out.size()) std::abort();
    std::ranges::copy(frame_, out.begin());
    return std::exchange(frame_, {}).size();
  }
  bh::Result<> start(std::function<void()>) override { return {}; }
  void stop() override {}
  void listen(bool) override {}

 private:
  std::vector<std::byte> frame_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  virtio::testing::HostileGuest guest;
  // The first byte says how many pairs there are.
  virtio::NetBackends backends;
  for (int i = 0; i <= (size == 0 ? 0 : data[0] % 3); ++i) {
    backends.push_back(std::make_unique<Mirror>());
  }
  auto const device = virtio::NetDevice::create({.iface_id = "fuzz"}, *guest.worker, guest.memory,
                                                std::move(backends), nullptr);
  if (!device) std::abort();
  virtio::testing::HostileDriver(**device, guest.memory).play({data, size});
  return 0;
}
