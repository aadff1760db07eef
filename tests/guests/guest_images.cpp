#include <array>

#include "guest_runner.h"

// The images that CMakeLists.txt embeds.
#define GUEST(name) extern "C" std::byte const bh_guest_##name[], bh_guest_##name##_end[];
#include "guest_images.inc"
#undef GUEST

namespace bh::guest_test {

std::span<GuestImage const> guest_images() {
#define GUEST(name) GuestImage{#name, {bh_guest_##name, bh_guest_##name##_end}},
  static std::array const images{
#include "guest_images.inc"
  };
#undef GUEST
  return images;
}

}  // namespace bh::guest_test
