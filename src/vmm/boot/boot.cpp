#include "vmm/boot/boot.h"

#include <fmt/format.h>

#include <cstring>

#include "base/units.h"
#include "vmm/boot/acpi/acpi.h"
#include "vmm/boot/acpi/dsdt.h"
#include "vmm/boot/bzimage.h"
#include "vmm/boot/command_line.h"
#include "vmm/boot/e820.h"
#include "vmm/boot/elf_loader.h"
#include "vmm/boot/initrd.h"
#include "vmm/boot/layout.h"
#include "vmm/boot/long_mode.h"
#include "vmm/boot/mptable.h"
#include "vmm/boot/pvh.h"
#include "vmm/boot/random_seed.h"
#include "vmm/boot/zero_page.h"

namespace bh::vmm::boot {

namespace {

struct Kernel {
  LoadedKernel loaded;
  GuestAddress entry;  // The one of the protocol asked for.
  std::optional<setup_header> header;
};

Result<> check(GuestMemory const& memory, BootRequest const& request) {
  if (memory.size() <= kKernelFloor.value) {
    return fail(Errc::Invalid, "guest memory of " + size_text(memory.size()) +
                                   " has no room for a kernel (more than 1 MiB is needed)");
  }
  if (request.vcpu_count == 0 || request.vcpu_count > kMaxVcpus) {
    return fail(Errc::Invalid,
                fmt::format("{} vCPUs: must be 1 to {}", request.vcpu_count, kMaxVcpus));
  }
  if (request.timer_pin >= kIoApicPins) {
    return fail(Errc::Invalid,
                fmt::format("timer pin {}: the IOAPIC has {}", request.timer_pin, kIoApicPins));
  }
  return {};
}

Result<Kernel> load(GuestMemory& memory, ByteSource const& source) {
  if (is_elf(source)) {
    auto const loaded = BH_TRY(load_elf(memory, source));
    return Kernel{.loaded = loaded, .entry = loaded.entry, .header = {}};
  }
  if (!is_bzimage(source)) {
    return fail(Errc::Invalid, "neither an ELF vmlinux nor a bzImage");
  }
  auto const image = BH_TRY(open_bzimage(source));
  auto const loaded = BH_TRY(load_elf(memory, MemorySource(image.kernel_bytes())));
  return Kernel{.loaded = loaded, .entry = loaded.entry, .header = image.header};
}

Result<Kernel> load_kernel(GuestMemory& memory, BootRequest const& request) {
  auto const source = BH_TRY(FileSource::open(request.kernel_path));
  auto kernel = BH_TRY(load(memory, source));
  // The initrd goes above the kernel into low memory, and both entries can reach only that.
  if (kernel.loaded.end > kLowMemoryEnd) {
    return fail(Errc::Unsupported, "it has a segment above 4 GiB");
  }
  if (request.protocol != Protocol::Pvh) return kernel;
  if (!kernel.loaded.pvh_entry) {
    return fail(Errc::Unsupported, "it has no PVH entry (CONFIG_PVH); use the 64-bit protocol");
  }
  kernel.entry = *kernel.loaded.pvh_entry;
  return kernel;
}

Result<std::optional<InitrdPlace>> load_initrd_if_any(GuestMemory& memory,
                                                      BootRequest const& request,
                                                      GuestAddress kernel_end) {
  if (!request.initrd_path) return std::nullopt;
  return load_initrd(memory, *request.initrd_path, kernel_end);
}

/// Whether a built-in driver knows the ACPI name of virtio-mmio devices. Told twice of a device,
/// Linux complains about the second on the console.
bool finds_devices_by_acpi(GuestMemory const& memory, BootRequest const& request,
                           GuestAddress kernel_end) {
  if (request.command_line.find("acpi=off") != std::string::npos) return false;
  std::uint64_t const size = kernel_end.value - kKernelFloor.value;
  std::byte const* const kernel = memory.host_address(kKernelFloor, size);
  return kernel != nullptr &&
         ::memmem(kernel, size, kVirtioMmioHid.data(), kVirtioMmioHid.size()) != nullptr;
}

Result<> prepare(GuestMemory& memory, BootRequest const& request, VcpuState& state) {
  static_assert(kIdentityMapped >= kLowMemoryEnd.value);
  BH_TRY(check(memory, request));
  auto kernel = load_kernel(memory, request);
  if (!kernel) {
    return std::unexpected(std::move(kernel).error().while_doing("kernel " + request.kernel_path));
  }
  bool const by_acpi = request.command_line_without_acpi.empty() ||
                       finds_devices_by_acpi(memory, request, kernel->loaded.end);
  BH_TRY(write_command_line(memory,
                            by_acpi ? request.command_line : request.command_line_without_acpi));
  auto const initrd = BH_TRY(load_initrd_if_any(memory, request, kernel->loaded.end));
  BH_TRY(write_mp_table(memory, {request.vcpu_count, request.timer_pin}));
  BH_TRY(write_acpi(memory, {request.vcpu_count, request.timer_pin, request.mmio_devices}));

  auto const map = memory_map(memory);
  if (request.protocol == Protocol::Pvh) {
    BH_TRY(write_pvh_start_info(memory, {.initrd = initrd, .memory_map = map}));
    return enter_pvh(memory, kernel->entry, state);
  }
  auto const setup_data = BH_TRY(write_random_seed(memory));
  BH_TRY(write_zero_page(
      memory,
      {.header = kernel->header, .initrd = initrd, .memory_map = map, .setup_data = setup_data}));
  return enter_long_mode(memory, kernel->entry, state);
}

}  // namespace

Result<VcpuState> prepare_boot(GuestMemory& memory, BootRequest const& request,
                               VcpuState reset_state) {
  auto const prepared = prepare(memory, request, reset_state);
  if (!prepared) return std::unexpected(Error(prepared.error()).while_doing("boot"));
  return reset_state;
}

}  // namespace bh::vmm::boot
