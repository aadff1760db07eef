#include <array>
#include <cstdlib>

#include "vmm/mmds/stack.h"

/// Frames, each behind two bytes with its size; the first byte of all chooses the version.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::vmm;
  if (size == 0) return 0;
  mmds::Store store(1000);
  if (!store.put(R"({"latest":{"a":"b"}})")) std::abort();
  MmdsConfig config;
  if ((data[0] & 1) != 0) config.version = MmdsVersion::V2;
  mmds::Stack stack(config, store);
  auto input = std::as_bytes(std::span(data + 1, size - 1));
  std::array<std::byte, 2048> out;
  while (input.size() > 2) {
    auto const wanted =
        std::to_integer<std::size_t>(input[0]) | std::to_integer<std::size_t>(input[1]) << 8;
    auto const frame = input.subspan(2, std::min(wanted, input.size() - 2));
    input = input.subspan(2 + frame.size());
    if (stack.wants(frame)) stack.take(frame);
    while (stack.answer(out) != 0) {
    }
  }
  return 0;
}
