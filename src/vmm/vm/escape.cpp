#include "vmm/vm/escape.h"

#include <utility>

namespace bh::vmm {

namespace {

constexpr std::byte kEscape{0x01};  // Ctrl-A
constexpr std::byte kQuit{'x'};

}  // namespace

EscapeFilter::Filtered EscapeFilter::filter(std::span<std::byte const> typed) {
  Filtered result;
  for (auto const byte : typed) {
    if (std::exchange(escaped_, false)) {
      if (byte == kQuit) {
        result.quit = true;
        return result;
      }
      if (byte != kEscape) result.for_guest.push_back(kEscape);
      result.for_guest.push_back(byte);
    } else if (byte == kEscape) {
      escaped_ = true;
    } else {
      result.for_guest.push_back(byte);
    }
  }
  return result;
}

}  // namespace bh::vmm
