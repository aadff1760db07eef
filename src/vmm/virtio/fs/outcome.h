#pragma once

#include <cerrno>
#include <expected>

namespace bh::vmm::virtio {

/// What a file operation of the guest came to: a value, or Linux's errno, which FUSE hands to the
/// guest as it is. No message: nobody but the guest's program reads it.
template <typename T = void>
using Outcome = std::expected<T, int>;

inline std::unexpected<int> refuse(int error) {
  return std::unexpected(error);
}

}  // namespace bh::vmm::virtio
