#include <cstdlib>

#include "vmm/virtio/net/datagram.h"

// The input is a frame of the guest. What is found in it is found again in a frame made of that.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm::virtio;
  auto const datagram = parse_datagram({reinterpret_cast<std::byte const*>(data), size});
  if (!datagram) return 0;
  auto const frame = make_frame(*datagram);
  auto const again = parse_datagram(frame);
  if (!again || again->payload.size() != datagram->payload.size()) std::abort();
  return 0;
}
