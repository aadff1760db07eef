#include "vmm/kvm/kvm_engine.h"

#include <linux/kvm.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "vmm/kvm/kvm_call.h"
#include "vmm/kvm/kvm_cpuid.h"
#include "vmm/kvm/kvm_irq.h"
#include "vmm/kvm/kvm_system.h"
#include "vmm/kvm/kvm_vcpu.h"

namespace bh::vmm::kvm {

namespace {

// Four pages VMX needs in guest-physical space when the guest is in real mode. Any place that is
// neither RAM, device nor chip; these are where KVM's own examples have them, below the BIOS.
constexpr std::uint64_t kIdentityMapAddress = 0xfffb'c000;
constexpr std::uint64_t kTssAddress = 0xfffb'd000;

class KvmEngine final : public Engine {
 public:
  KvmEngine(System system, os::UniqueFd vm, GuestMemory& memory, EngineOptions options,
            std::vector<kvm_cpuid_entry2> cpuid)
      : system_(std::move(system)),
        vm_(std::move(vm)),
        memory_(memory),
        options_(options),
        cpuid_(std::move(cpuid)) {}

  std::string_view name() const override { return "kvm"; }
  Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index) override;
  Result<> set_irq_line(unsigned gsi, LineLevel level) override;
  Result<> signal_line_by(unsigned gsi, int event) override;
  Result<> signal_on_write(GuestAddress address, std::uint32_t value, int event) override;

 private:
  System system_;
  os::UniqueFd vm_;
  GuestMemory& memory_;
  EngineOptions options_;
  std::vector<kvm_cpuid_entry2> cpuid_;
};

Result<> add_memory(os::UniqueFd const& vm, GuestMemory const& memory) {
  std::uint32_t slot = 0;
  for (MemoryRegion const& region : memory.regions()) {
    kvm_userspace_memory_region slot_region{};
    slot_region.slot = slot++;
    slot_region.guest_phys_addr = region.start.value;
    slot_region.memory_size = region.size;
    slot_region.userspace_addr = reinterpret_cast<std::uint64_t>(region.host);
    BH_TRY(tell(vm, KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &slot_region));
  }
  return {};
}

Result<> check_options(EngineOptions const& options, unsigned max_vcpus) {
  if (options.vcpu_count == 0 || options.vcpu_count > std::min(kMaxVcpus, max_vcpus)) {
    return fail(Errc::Invalid, std::to_string(options.vcpu_count) + " vCPUs: there can be 1 to " +
                                   std::to_string(std::min(kMaxVcpus, max_vcpus)));
  }
  if (options.chips == InterruptChips::None && options.vcpu_count > 1) {
    return fail(Errc::Invalid, "a second vCPU without interrupt chips: nothing could start it");
  }
  return {};
}

Result<> check_capabilities(System const& system, std::span<unsigned const> wanted) {
  for (auto const number : wanted) {
    if (system.has(number)) continue;
    return fail(Errc::Unsupported, "cpu-config: kvm_capabilities " + std::to_string(number) +
                                       ": KVM does not have it on this host");
  }
  return {};
}

Result<std::unique_ptr<Vcpu>> KvmEngine::create_vcpu(unsigned index) {
  if (index >= options_.vcpu_count) {
    return fail(Errc::Invalid, "vCPU " + std::to_string(index) + " of a machine with " +
                                   std::to_string(options_.vcpu_count));
  }
  bool const chips = options_.chips == InterruptChips::Present;
  CpuidPlace const place{.apic_id = index,
                         .vcpu_count = options_.vcpu_count,
                         .local_apic = chips,
                         .tsc_deadline = system_.has(KVM_CAP_TSC_DEADLINE_TIMER)};
  auto vcpu = KvmVcpu::create(vm_, memory_, index, system_.run_area_size(),
                              cpuid_for(cpuid_, place), options_.cpu_template.msrs);
  if (!vcpu) {
    return std::unexpected(
        std::move(vcpu).error().while_doing("create vCPU " + std::to_string(index)));
  }
  return std::unique_ptr<Vcpu>(*std::move(vcpu));
}

Result<> KvmEngine::set_irq_line(unsigned gsi, LineLevel level) {
  if (options_.chips == InterruptChips::None) {
    return fail(Errc::Unsupported,
                "interrupt line " + std::to_string(gsi) + ": this machine has no interrupt chips");
  }
  return set_line(vm_, gsi, level);
}

Result<> KvmEngine::signal_line_by(unsigned gsi, int event) {
  kvm_irqfd line{};
  line.fd = static_cast<std::uint32_t>(event);
  line.gsi = gsi;
  BH_TRY(tell(vm_, KVM_IRQFD, "KVM_IRQFD", &line));
  return {};
}

Result<> KvmEngine::signal_on_write(GuestAddress address, std::uint32_t value, int event) {
  kvm_ioeventfd watch{};
  watch.datamatch = value;
  watch.addr = address.value;
  watch.len = sizeof value;
  watch.fd = event;
  watch.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
  BH_TRY(tell(vm_, KVM_IOEVENTFD, "KVM_IOEVENTFD", &watch));
  return {};
}

Result<std::unique_ptr<Engine>> create(GuestMemory& memory, EngineOptions options) {
  System system = BH_TRY(System::open());
  BH_TRY(check_options(options, system.max_vcpus()));
  BH_TRY(check_capabilities(system, options.cpu_template.kvm_capabilities));
  auto cpuid = BH_TRY(system.supported_cpuid());
  BH_TRY(change_cpuid(cpuid, options.cpu_template.cpuid));
  os::UniqueFd vm = BH_TRY(system.create_vm());
  std::uint64_t identity_map = kIdentityMapAddress;
  BH_TRY(tell(vm, KVM_SET_IDENTITY_MAP_ADDR, "KVM_SET_IDENTITY_MAP_ADDR", &identity_map));
  BH_TRY(tell(vm, KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR", kTssAddress));
  if (options.chips == InterruptChips::Present) BH_TRY(create_interrupt_chips(vm));
  BH_TRY(add_memory(vm, memory));
  return std::make_unique<KvmEngine>(std::move(system), std::move(vm), memory, options,
                                     std::move(cpuid));
}

}  // namespace

Result<std::unique_ptr<Engine>> create_kvm_engine(GuestMemory& memory, EngineOptions options) {
  auto engine = create(memory, options);
  if (!engine) return std::unexpected(std::move(engine).error().while_doing("KVM engine"));
  return engine;
}

}  // namespace bh::vmm::kvm
