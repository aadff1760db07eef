#include "vmm/boot/elf_loader.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/hex.h"
#include "base/units.h"
#include "vmm/boot/elf_note.h"
#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

namespace {

// A kernel has about five; the cap bounds what a header makes us read and compare.
constexpr std::size_t kMaxProgramHeaders = 64;

using ProgramHeaders = std::vector<Elf64_Phdr>;

Result<Elf64_Ehdr> read_header(ByteSource const& source) {
  Elf64_Ehdr header{};
  if (source.size() < sizeof header) return fail(Errc::Corrupt, "the file ends in its ELF header");
  BH_TRY(source.read_object(0, header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return fail(Errc::Invalid, "not an ELF file");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    return fail(Errc::Unsupported, "not a 64-bit x86 ELF file");
  }
  if (header.e_type != ET_EXEC) {
    return fail(Errc::Unsupported, "ELF file is not an executable with fixed addresses");
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
      header.e_phnum > kMaxProgramHeaders) {
    return fail(Errc::Corrupt, fmt::format("ELF header names {} program headers of {} bytes",
                                           header.e_phnum, header.e_phentsize));
  }
  return header;
}

Result<ProgramHeaders> read_program_headers(ByteSource const& source, Elf64_Ehdr const& header) {
  ProgramHeaders headers(header.e_phnum);
  std::uint64_t const size = headers.size() * sizeof(Elf64_Phdr);
  if (header.e_phoff > source.size() || size > source.size() - header.e_phoff) {
    return fail(Errc::Corrupt, "the file ends in its ELF program headers");
  }
  BH_TRY(source.read_at(header.e_phoff, std::as_writable_bytes(std::span(headers))));
  return headers;
}

std::string segment_name(std::size_t index, Elf64_Phdr const& segment) {
  return fmt::format("ELF segment {} at {} ({})", index, hex(segment.p_paddr),
                     size_text(segment.p_memsz));
}

Result<> check_segment(GuestMemory const& memory, ByteSource const& source, std::size_t index,
                       Elf64_Phdr const& segment) {
  if (segment.p_filesz > segment.p_memsz) {
    return fail(Errc::Corrupt, segment_name(index, segment) + " is larger in the file");
  }
  if (segment.p_offset > source.size() || segment.p_filesz > source.size() - segment.p_offset) {
    return fail(Errc::Corrupt, segment_name(index, segment) + " lies beyond the end of the file");
  }
  if (segment.p_paddr < kKernelFloor.value) {
    return fail(Errc::Unsupported,
                segment_name(index, segment) + " is below 1 MiB, where the boot tables are");
  }
  if (memory.host_address({segment.p_paddr}, segment.p_memsz) == nullptr) {
    return fail(Errc::Invalid, segment_name(index, segment) +
                                   " does not fit into guest memory of " +
                                   size_text(memory.size()));
  }
  return {};
}

/// Both have passed check_segment(): no sum overflows.
bool overlap(Elf64_Phdr const& a, Elf64_Phdr const& b) {
  return a.p_paddr < b.p_paddr + b.p_memsz && b.p_paddr < a.p_paddr + a.p_memsz;
}

bool is_loaded(ProgramHeaders const& headers, std::uint64_t address) {
  return std::ranges::any_of(headers, [&](Elf64_Phdr const& segment) {
    return segment.p_type == PT_LOAD && address >= segment.p_paddr &&
           address - segment.p_paddr < segment.p_memsz;
  });
}

Result<> check_segments(GuestMemory const& memory, ByteSource const& source,
                        ProgramHeaders const& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (headers[i].p_type != PT_LOAD) continue;
    BH_TRY(check_segment(memory, source, i, headers[i]));
    for (std::size_t other = 0; other < i; ++other) {
      if (headers[other].p_type != PT_LOAD || !overlap(headers[other], headers[i])) continue;
      return fail(Errc::Corrupt,
                  fmt::format("{} overlaps segment {}", segment_name(i, headers[i]), other));
    }
  }
  return {};
}

Result<std::optional<GuestAddress>> find_pvh_entry(ByteSource const& source,
                                                   ProgramHeaders const& headers) {
  for (auto const& segment : headers) {
    if (segment.p_type != PT_NOTE) continue;
    auto const entry = BH_TRY(read_pvh_entry(source, segment));
    if (!entry) continue;
    if (!is_loaded(headers, entry->value)) {
      return fail(Errc::Corrupt, "PVH entry " + hex(entry->value) + " is in no ELF segment");
    }
    return entry;
  }
  return std::nullopt;
}

}  // namespace

bool is_elf(ByteSource const& source) {
  std::array<char, SELFMAG> magic{};
  return source.size() >= magic.size() && source.read_object(0, magic) &&
         std::memcmp(magic.data(), ELFMAG, SELFMAG) == 0;
}

Result<LoadedKernel> load_elf(GuestMemory& memory, ByteSource const& source) {
  auto const header = BH_TRY(read_header(source));
  auto const headers = BH_TRY(read_program_headers(source, header));
  // Everything is checked before the first byte is copied: a bad kernel fails fast.
  BH_TRY(check_segments(memory, source, headers));
  if (!is_loaded(headers, header.e_entry)) {
    return fail(Errc::Corrupt, "ELF entry " + hex(header.e_entry) + " is in no ELF segment");
  }
  auto const pvh_entry = BH_TRY(find_pvh_entry(source, headers));

  LoadedKernel kernel{.entry = {header.e_entry}, .pvh_entry = pvh_entry, .end = {}};
  for (auto const& segment : headers) {
    if (segment.p_type != PT_LOAD) continue;
    std::byte* const target = memory.host_address({segment.p_paddr}, segment.p_filesz);
    BH_TRY(source.read_at(segment.p_offset, {target, segment.p_filesz}));
    kernel.end = std::max(kernel.end, GuestAddress{segment.p_paddr + segment.p_memsz});
  }
  return kernel;
}

}  // namespace bh::vmm::boot
