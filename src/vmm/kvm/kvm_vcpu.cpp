#include "vmm/kvm/kvm_vcpu.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "vmm/kvm/kvm_abi.h"
#include "vmm/kvm/kvm_call.h"
#include "vmm/kvm/kvm_msr.h"

namespace bh::vmm::kvm {

namespace {

Result<> set_cpuid(os::UniqueFd const& vcpu, std::vector<kvm_cpuid_entry2> const& cpuid) {
  auto table = std::make_unique<CpuidTable>();
  if (cpuid.size() > table->entries.size()) {
    return fail(Errc::Unsupported, fmt::format("{} CPUID leaves: KVM takes 256", cpuid.size()));
  }
  std::ranges::copy(cpuid, table->entries.begin());
  table->count = static_cast<std::uint32_t>(cpuid.size());
  BH_TRY(tell(vcpu, kSetCpuid2, "KVM_SET_CPUID2", table.get()));
  return {};
}

/// What firmware leaves behind and guests started without any still look for.
Result<> set_firmware_msrs(os::UniqueFd const& vcpu, std::vector<std::uint32_t> const& present) {
  constexpr std::array kValues{
      Msr{.index = 0x1a0, .value = 1},      // MISC_ENABLE: fast strings.
      Msr{.index = 0x2ff, .value = 0x806},  // MTRRs on, memory is write-back.
  };
  for (Msr const& msr : kValues) {
    if (std::ranges::find(present, msr.index) == present.end()) continue;
    BH_TRY(write_msrs(vcpu, std::span(&msr, 1)));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<KvmVcpu>> KvmVcpu::create(os::UniqueFd const& vm, GuestMemory const& memory,
                                                 unsigned index, std::size_t run_area_size,
                                                 std::vector<kvm_cpuid_entry2> const& cpuid,
                                                 std::span<MsrChange const> msr_changes) {
  int const number = BH_TRY(call(vm, KVM_CREATE_VCPU, "KVM_CREATE_VCPU", std::uint64_t{index}));
  os::UniqueFd fd(number);
  BH_TRY(set_cpuid(fd, cpuid));
  os::MappedRegion run_area =
      BH_TRY(os::MappedRegion::map(run_area_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd));
  std::unique_ptr<KvmVcpu> vcpu(new KvmVcpu(std::move(fd), std::move(run_area), memory));
  vcpu->msrs_ = present_msrs(vcpu->fd_);
  BH_TRY(set_firmware_msrs(vcpu->fd_, vcpu->msrs_));
  BH_TRY(change_msrs(vcpu->fd_, msr_changes));
  return vcpu;
}

KvmVcpu::KvmVcpu(os::UniqueFd fd, os::MappedRegion run_area, GuestMemory const& memory)
    : fd_(std::move(fd)), run_area_(std::move(run_area)), memory_(memory), kick_(run_page()) {}

Exit KvmVcpu::run() {
  if (!port_pieces_.empty()) return port_pieces_.next();
  if (std::exchange(exit_waits_, false)) return translate();
  while (true) {
    access_open_ = false;
    kick_.enter();
    int const result = ::ioctl(fd_.get(), KVM_RUN, 0);
    int const error = errno;
    kick_.leave();
    if (result == 0) return translate();
    if (error == EINTR) {
      kick_.take();
      return Interrupted{};
    }
    // A vCPU that waited for SIPI was woken: it may still have to wait.
    if (error != EAGAIN) return failure(fmt::format("KVM_RUN: {}", ::strerrordesc_np(error)));
  }
}

Exit KvmVcpu::translate() {
  kvm_run& page = run_page();
  if (page.exit_reason == KVM_EXIT_IO) {
    port_pieces_ = PortPieces({run_area_.data(), run_area_.size()});
    if (port_pieces_.empty()) return failure("KVM reported a port access without data");
    access_open_ = true;
    return port_pieces_.next();
  }
  access_open_ = page.exit_reason == KVM_EXIT_MMIO;
  if (auto exit = exit_of(page)) return *std::move(exit);
  return failure(failure_words(page));
}

InternalError KvmVcpu::failure(std::string words) {
  kvm_regs general{};
  kvm_sregs system{};
  if (!call(fd_, KVM_GET_REGS, "KVM_GET_REGS", &general) ||
      !call(fd_, KVM_GET_SREGS, "KVM_GET_SREGS", &system)) {
    return {std::move(words)};
  }
  bool const long_mode = (system.efer & 0x400) != 0 && system.cs.l != 0;
  std::uint64_t const linear = long_mode ? general.rip : system.cs.base + general.rip;
  return {fmt::format("{} at rip {:#x} (cs {:#x}, CPL {}, {}-bit code), instruction bytes {}",
                      words, general.rip, system.cs.selector, system.ss.dpl,
                      long_mode ? 64 : (system.cs.db != 0 ? 32 : 16), instruction_words(linear))};
}

std::string KvmVcpu::instruction_words(std::uint64_t linear_rip) {
  auto const reported = failed_instruction(run_page());
  if (!reported.empty()) return fmt::format("{:02x}", fmt::join(reported, " "));
  kvm_translation place{};
  place.linear_address = linear_rip;
  if (!call(fd_, KVM_TRANSLATE, "KVM_TRANSLATE", &place) || place.valid == 0) {
    return "unknown: the address is not mapped";
  }
  // The longest instruction has 15 bytes; those on a next page are not worth a second look-up.
  std::array<std::uint8_t, 15> bytes{};
  auto const in_page = kPageSize - place.physical_address % kPageSize;
  auto const found = std::span(bytes).first(std::min<std::size_t>(bytes.size(), in_page));
  if (!memory_.read({place.physical_address}, std::as_writable_bytes(found))) {
    return "unknown: the address is not RAM";
  }
  return fmt::format("{:02x}", fmt::join(found, " "));
}

/// Lets KVM take in what the caller answered to a port or MMIO access, without running the guest.
Result<> KvmVcpu::finish_access() {
  if (exit_waits_ || !port_pieces_.empty()) {
    return fail(Errc::Busy, "vCPU state: an access of several pieces is half done; run the vCPU");
  }
  if (!std::exchange(access_open_, false)) return {};
  kick_.hold();
  int const result = ::ioctl(fd_.get(), KVM_RUN, 0);
  int const error = errno;
  kick_.release();
  if (result == 0) {
    exit_waits_ = true;
    return fail(Errc::Busy, "vCPU state: an access of several pieces is half done; run the vCPU");
  }
  if (error != EINTR && error != EAGAIN) return fail_errno("KVM_RUN", error);
  return {};
}

Result<VcpuState> KvmVcpu::save() {
  BH_TRY(finish_access());
  RawState const raw = BH_TRY(read_raw(fd_, msrs_));
  return to_state(raw);
}

Result<> KvmVcpu::restore(VcpuState const& state) {
  BH_TRY(finish_access());
  RawState const current = BH_TRY(read_raw(fd_, msrs_));
  RawState const wanted = BH_TRY(to_raw(state, current, msrs_));
  auto written = write_raw(fd_, wanted);
  if (!written) {
    Error error = std::move(written).error().while_doing("restore vCPU state");
    if (!write_raw(fd_, current)) error.message += "; the old state could not be put back either";
    return std::unexpected(std::move(error));
  }
  // Without a LAPIC in the kernel, KVM takes CR8 from here at every entry.
  run_page().cr8 = state.system.cr8;
  return {};
}

}  // namespace bh::vmm::kvm
