// What a hostile guest says to a supervisor, and anybody to a client: frames, in pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "machine/wire/frame.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace bh::machine::wire;
  std::string_view const all(reinterpret_cast<char const*>(data), size);
  FrameReader whole;
  FrameReader pieces;
  whole.add(all);
  std::size_t fed = 0;
  while (true) {
    auto const expected = whole.next();
    auto got = pieces.next();
    while (got && !*got && fed < size) {
      pieces.add(all.substr(fed++, 1));
      got = pieces.next();
    }
    if (expected.has_value() != got.has_value()) std::abort();
    if (!expected) return 0;
    if (expected->has_value() != got->has_value()) std::abort();
    if (!*expected) return 0;
    if ((*expected)->payload != (*got)->payload || (*got)->payload.size() > kPayloadLimit) {
      std::abort();
    }
    (void)decode_size((*got)->payload);
    (void)decode_byte((*got)->payload);
  }
}
