#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bh::vmm {

/// Finds the keys that are meant for us in what is typed at the guest's console: Ctrl-A x quits,
/// Ctrl-A Ctrl-A is one Ctrl-A; after any other key both go to the guest.
class EscapeFilter {
 public:
  struct Filtered {
    std::vector<std::byte> for_guest;
    bool quit = false;  // Bytes after the escape are dropped.
  };
  Filtered filter(std::span<std::byte const> typed);

 private:
  bool escaped_ = false;
};

}  // namespace bh::vmm
