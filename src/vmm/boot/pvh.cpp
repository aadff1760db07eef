#include "vmm/boot/pvh.h"

#include "vmm/boot/layout.h"
#include "vmm/boot/segments.h"

namespace bh::vmm::boot {

namespace {

// Xen public/arch-x86/hvm/start_info.h, version 1.
struct StartInfo {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t flags;
  std::uint32_t module_count;
  std::uint64_t modules;
  std::uint64_t command_line;
  std::uint64_t rsdp;
  std::uint64_t memory_map;
  std::uint32_t memory_map_entries;
  std::uint32_t reserved;
};
static_assert(sizeof(StartInfo) == 56);

struct Module {
  std::uint64_t address;
  std::uint64_t size;
  std::uint64_t command_line;
  std::uint64_t reserved;
};
static_assert(sizeof(Module) == 32);

struct MapEntry {
  std::uint64_t address;
  std::uint64_t size;
  std::uint32_t type;
  std::uint32_t reserved;
};
static_assert(sizeof(MapEntry) == 24);

constexpr std::uint32_t kMagic = 0x336ec578;
constexpr GuestAddress kModuleList = kPvhStartInfo + 0x40;
constexpr GuestAddress kMap = kPvhStartInfo + 0x80;
constexpr std::size_t kMapRoom = (kPageSize - 0x80) / sizeof(MapEntry);

constexpr std::uint64_t kCr0ProtectionEnable = 1u << 0;
constexpr std::uint64_t kCr0ExtensionType = 1u << 4;

}  // namespace

Result<> write_pvh_start_info(GuestMemory& memory, PvhContents const& contents) {
  if (contents.memory_map.size() > kMapRoom) {
    return fail(Errc::Invalid, "the memory map has more entries than the PVH page");
  }
  StartInfo info{};
  info.magic = kMagic;
  info.version = 1;
  info.command_line = kCommandLine.value;
  info.rsdp = kRsdp.value;
  info.memory_map = kMap.value;
  info.memory_map_entries = static_cast<std::uint32_t>(contents.memory_map.size());
  if (contents.initrd) {
    info.module_count = 1;
    info.modules = kModuleList.value;
    Module const module{.address = contents.initrd->address.value, .size = contents.initrd->size};
    BH_TRY(memory.write_object(kModuleList, module));
  }
  GuestAddress place = kMap;
  for (auto const& entry : contents.memory_map) {
    MapEntry const written{.address = entry.start.value,
                           .size = entry.size,
                           .type = static_cast<std::uint32_t>(entry.type)};
    BH_TRY(memory.write_object(place, written));
    place = place + sizeof written;
  }
  return memory.write_object(kPvhStartInfo, info);
}

Result<> enter_pvh(GuestMemory& memory, GuestAddress entry, VcpuState& state) {
  BH_TRY(load_flat_segments(memory, CodeWidth::Bits32, state.system));
  state.system.cr0 = kCr0ProtectionEnable | kCr0ExtensionType;
  state.system.cr3 = 0;
  state.system.cr4 = 0;
  state.system.efer = 0;
  state.general = {};
  state.general.rip = entry.value;
  state.general.gpr[Rbx] = kPvhStartInfo.value;
  state.activity = Activity::Running;
  return {};
}

}  // namespace bh::vmm::boot
