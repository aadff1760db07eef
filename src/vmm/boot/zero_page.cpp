#include "vmm/boot/zero_page.h"

#include <cstddef>

#include "vmm/boot/command_line.h"
#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

namespace {

// The layout is the protocol: zero-page.rst and boot.rst give these offsets.
static_assert(sizeof(boot_params) == kPageSize);
static_assert(offsetof(boot_params, acpi_rsdp_addr) == 0x070);
static_assert(offsetof(boot_params, e820_entries) == 0x1e8);
static_assert(offsetof(boot_params, hdr) == 0x1f1);
static_assert(offsetof(boot_params, hdr.header) == 0x202);
static_assert(offsetof(boot_params, hdr.type_of_loader) == 0x210);
static_assert(offsetof(boot_params, hdr.ramdisk_image) == 0x218);
static_assert(offsetof(boot_params, hdr.cmd_line_ptr) == 0x228);
static_assert(offsetof(boot_params, hdr.setup_data) == 0x250);
static_assert(offsetof(boot_params, e820_table) == 0x2d0);

constexpr std::uint8_t kUndefinedLoader = 0xff;
constexpr std::uint8_t kLoadedHigh = 1u << 0;
constexpr std::uint8_t kKaslr = 1u << 1;

/// What the build would have written, for a vmlinux that lost it.
setup_header default_header() {
  setup_header header{};
  header.boot_flag = 0xaa55;
  header.header = 0x53726448;  // "HdrS"
  header.version = 0x020f;
  header.loadflags = kLoadedHigh;
  header.kernel_alignment = 0x100'0000;
  header.cmdline_size = kMaxCommandLine - 1;
  return header;
}

}  // namespace

Result<> write_zero_page(GuestMemory& memory, ZeroPageContents const& contents) {
  boot_params page{};
  page.hdr = contents.header.value_or(default_header());
  page.hdr.type_of_loader = kUndefinedLoader;
  // We loaded the kernel where it is linked; the flag would have it believe it was moved.
  page.hdr.loadflags &= static_cast<std::uint8_t>(~kKaslr);
  page.hdr.cmd_line_ptr = static_cast<std::uint32_t>(kCommandLine.value);
  page.hdr.setup_data = contents.setup_data.value;
  // Both fit: the initrd is in low memory.
  if (contents.initrd) {
    page.hdr.ramdisk_image = static_cast<std::uint32_t>(contents.initrd->address.value);
    page.hdr.ramdisk_size = static_cast<std::uint32_t>(contents.initrd->size);
  }
  page.acpi_rsdp_addr = kRsdp.value;

  if (contents.memory_map.size() > std::size(page.e820_table)) {
    return fail(Errc::Invalid, "the memory map has more entries than the zero page");
  }
  for (auto const& entry : contents.memory_map) {
    page.e820_table[page.e820_entries++] = {.addr = entry.start.value,
                                            .size = entry.size,
                                            .type = static_cast<std::uint32_t>(entry.type)};
  }
  return memory.write_object(kZeroPage, page);
}

}  // namespace bh::vmm::boot
