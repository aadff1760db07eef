#include "guest_engines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "vmm/kvm/kvm_engine.h"
#include "vmm/kvm/kvm_probe.h"
#ifdef BULKHEAD_HAS_SOFT_ENGINE
#include "vmm/soft/soft_engine.h"
#endif

namespace bh::guest_test {

namespace {

std::string kvm_absence() {
  os::UniqueFd const fd(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  return fd.valid() ? std::string() : std::string("open /dev/kvm: ") + ::strerror(errno);
}

std::string kvm_weakness() {
  static auto const report = vmm::kvm::probe_kvm();
  return report.usable ? std::string() : report.verdict;
}

#ifdef BULKHEAD_HAS_SOFT_ENGINE
Result<std::unique_ptr<vmm::Engine>> create_stepping_engine(vmm::GuestMemory& memory,
                                                            vmm::EngineOptions options) {
  options.translate = vmm::Translate::Off;
  return vmm::soft::create_soft_engine(memory, options);
}
#endif

[[maybe_unused]] std::string none() {
  return {};
}

}  // namespace

std::span<GuestEngine const> guest_engines() {
  static std::vector<GuestEngine> const engines{
      {"kvm", vmm::kvm::create_kvm_engine, kvm_absence, kvm_weakness},
#ifdef BULKHEAD_HAS_SOFT_ENGINE
      {"soft", vmm::soft::create_soft_engine, none, none},
      {"stepped", create_stepping_engine, none, none},
#endif
  };
  return engines;
}

}  // namespace bh::guest_test
