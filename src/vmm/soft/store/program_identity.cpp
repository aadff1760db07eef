#include "vmm/soft/store/program_identity.h"

#include <cpuid.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace bh::vmm::soft {

namespace {

constexpr std::size_t kLongestBuildId = 32;

std::size_t aligned(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

/// The descriptor of the note NT_GNU_BUILD_ID (elf(5)).
std::span<std::uint8_t const> build_id_in(std::span<std::uint8_t const> notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes.data(), sizeof note);
    notes = notes.subspan(sizeof note);
    auto const size = aligned(note.n_namesz) + aligned(note.n_descsz);
    if (size > notes.size()) break;
    bool const gnu = note.n_namesz == 4 && std::memcmp(notes.data(), "GNU", 4) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID) {
      return notes.subspan(aligned(note.n_namesz), note.n_descsz);
    }
    notes = notes.subspan(size);
  }
  return {};
}

/// Visits the program itself, which comes first, and no library.
int visit_program(dl_phdr_info* info, std::size_t /*size*/, void* out) {
  for (auto const& header : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    if (header.p_type != PT_NOTE) continue;
    auto const* const start =
        reinterpret_cast<std::uint8_t const*>(info->dlpi_addr + header.p_vaddr);
    auto const id = build_id_in({start, header.p_memsz});
    if (!id.empty()) *static_cast<std::span<std::uint8_t const>*>(out) = id;
  }
  return 1;
}

}  // namespace

std::optional<ProgramIdentity> program_identity() {
  std::span<std::uint8_t const> build_id;
  ::dl_iterate_phdr(visit_program, &build_id);
  if (build_id.empty()) return std::nullopt;
  ProgramIdentity identity{};
  std::copy_n(build_id.begin(), std::min(build_id.size(), kLongestBuildId), identity.begin());
  // Family, model, stepping and features. Bits 24 to 31 of leaf 1's EBX name a processor.
  std::array<std::uint32_t, 8> cpu{};
  std::uint32_t ebx = 0;
  __get_cpuid(1, &cpu[0], &ebx, &cpu[1], &cpu[2]);
  __get_cpuid_count(7, 0, &cpu[3], &cpu[4], &cpu[5], &cpu[6]);
  // OSXSAVE follows the system, not the model, and says whether AVX can be used.
  static_assert(kLongestBuildId + sizeof cpu <= sizeof identity);
  std::memcpy(identity.data() + kLongestBuildId, cpu.data(), sizeof cpu);
  return identity;
}

}  // namespace bh::vmm::soft
