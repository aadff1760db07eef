#pragma once

#include <cstdint>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::vmm::kvm {

/// One ioctl on a descriptor of KVM. `name` is the request's, for the error. Returns what the ioctl
/// returned, which is never negative.
Result<int> call(os::UniqueFd const& fd, unsigned long request, char const* name, void* argument);
Result<int> call(os::UniqueFd const& fd, unsigned long request, char const* name,
                 std::uint64_t argument = 0);

/// The same for a request whose return value says nothing.
Result<> tell(os::UniqueFd const& fd, unsigned long request, char const* name, void* argument);
Result<> tell(os::UniqueFd const& fd, unsigned long request, char const* name,
              std::uint64_t argument = 0);

}  // namespace bh::vmm::kvm
