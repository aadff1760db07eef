#include "vmm/kvm/kvm_system.h"

#include <fcntl.h>

#include <array>
#include <memory>
#include <string>

#include "os/file.h"
#include "vmm/kvm/kvm_abi.h"
#include "vmm/kvm/kvm_call.h"

namespace bh::vmm::kvm {

namespace {

struct Extension {
  unsigned number;
  char const* name;
};

constexpr std::array kNeeded{
    Extension{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    Extension{KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
    Extension{KVM_CAP_PIT2, "KVM_CAP_PIT2"},
    Extension{KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
    Extension{KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR"},
    Extension{KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    Extension{KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE"},
    Extension{KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS"},
    Extension{KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS"},
    Extension{KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
};

Error with_remedy(Error error) {
  switch (error.code) {
    case Errc::Denied: error.message += " (add yourself to group kvm, or use --engine soft)"; break;
    case Errc::NotFound:
      error.message +=
          " (load kvm_intel or kvm_amd and turn virtualization on in the firmware, or use --engine "
          "soft)";
      break;
    default: error.message += " (use --engine soft)"; break;
  }
  return error;
}

}  // namespace

Result<System> System::open() {
  auto fd = os::open_file("/dev/kvm", O_RDWR);
  if (!fd) return std::unexpected(with_remedy(std::move(fd).error()));
  System system(*std::move(fd));

  int const version = BH_TRY(call(system.fd_, KVM_GET_API_VERSION, "KVM_GET_API_VERSION"));
  if (version != KVM_API_VERSION) {
    return fail(Errc::Unsupported, "/dev/kvm speaks version " + std::to_string(version) +
                                       " of its API, not 12 (use --engine soft)");
  }
  for (Extension const& extension : kNeeded) {
    if (system.has(extension.number)) continue;
    return fail(Errc::Unsupported, std::string("/dev/kvm lacks ") + extension.name +
                                       " (use a kernel from 4.13 on, or --engine soft)");
  }
  int const size = BH_TRY(call(system.fd_, KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE"));
  system.run_area_size_ = static_cast<std::size_t>(size);
  if (system.run_area_size_ < sizeof(kvm_run)) {
    return fail(Errc::Unsupported, "KVM_GET_VCPU_MMAP_SIZE: " + std::to_string(size) +
                                       " bytes are fewer than struct kvm_run has");
  }
  auto const vcpus = call(system.fd_, KVM_CHECK_EXTENSION, "KVM_CHECK_EXTENSION",
                          std::uint64_t{KVM_CAP_MAX_VCPUS});
  system.max_vcpus_ = vcpus && *vcpus > 0 ? static_cast<unsigned>(*vcpus) : 1;
  return system;
}

bool System::has(unsigned extension) const {
  auto const result =
      call(fd_, KVM_CHECK_EXTENSION, "KVM_CHECK_EXTENSION", std::uint64_t{extension});
  return result && *result > 0;
}

Result<os::UniqueFd> System::create_vm() const {
  int const fd = BH_TRY(call(fd_, KVM_CREATE_VM, "KVM_CREATE_VM"));
  return os::UniqueFd(fd);
}

Result<std::vector<kvm_cpuid_entry2>> System::supported_cpuid() const {
  auto table = std::make_unique<CpuidTable>();
  table->count = kMaxCpuidEntries;
  BH_TRY(tell(fd_, kGetSupportedCpuid, "KVM_GET_SUPPORTED_CPUID", table.get()));
  return std::vector(table->entries.begin(), table->entries.begin() + table->count);
}

}  // namespace bh::vmm::kvm
