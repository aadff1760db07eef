#include "vmm/kvm/kvm_call.h"

#include <sys/ioctl.h>

#include <cerrno>

namespace bh::vmm::kvm {

Result<int> call(os::UniqueFd const& fd, unsigned long request, char const* name, void* argument) {
  int result = 0;
  // KVM_CREATE_VM and KVM_CREATE_VCPU wait for locks and give up when a signal comes.
  do {
    result = ::ioctl(fd.get(), request, argument);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return fail_errno(name, errno);
  return result;
}

Result<int> call(os::UniqueFd const& fd, unsigned long request, char const* name,
                 std::uint64_t argument) {
  return call(fd, request, name, reinterpret_cast<void*>(argument));
}

Result<> tell(os::UniqueFd const& fd, unsigned long request, char const* name, void* argument) {
  auto const result = call(fd, request, name, argument);
  if (!result) return std::unexpected(result.error());
  return {};
}

Result<> tell(os::UniqueFd const& fd, unsigned long request, char const* name,
              std::uint64_t argument) {
  return tell(fd, request, name, reinterpret_cast<void*>(argument));
}

}  // namespace bh::vmm::kvm
