#include "vmm/boot/elf_note.h"

#include <cstring>
#include <string_view>
#include <vector>

namespace bh::vmm::boot {

namespace {

// Xen public/elfnote.h.
constexpr std::uint32_t kPhys32Entry = 18;
using namespace std::string_view_literals;
constexpr std::string_view kXenName = "Xen\0"sv;
// Notes of a kernel take some hundred bytes; a build id or two fit easily.
constexpr std::uint64_t kMaxNoteBytes = 64u << 10;

using Bytes = std::span<std::byte const>;

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// `size` bytes at `offset`, and moves `offset` behind them and their padding (counted from the
/// start of the segment, which is aligned).
std::optional<Bytes> take(Bytes notes, std::uint64_t& offset, std::uint64_t size,
                          std::uint64_t alignment) {
  if (offset > notes.size() || size > notes.size() - offset) return std::nullopt;
  Bytes const taken = notes.subspan(offset, size);
  offset = align_up(offset + size, alignment);
  return taken;
}

std::optional<GuestAddress> address_of(Bytes description) {
  // 32-bit kernels write four bytes, 64-bit ones eight; the entry is below 4 GiB in both.
  std::uint64_t address = 0;
  if (description.size() != 4 && description.size() != 8) return std::nullopt;
  std::memcpy(&address, description.data(), description.size());
  return GuestAddress{address};
}

}  // namespace

Result<std::optional<GuestAddress>> read_pvh_entry(ByteSource const& source,
                                                   Elf64_Phdr const& segment) {
  if (segment.p_filesz > kMaxNoteBytes || segment.p_offset > source.size() ||
      segment.p_filesz > source.size() - segment.p_offset) {
    return fail(Errc::Corrupt, "ELF notes are too long or beyond the end of the file");
  }
  std::vector<std::byte> notes(segment.p_filesz);
  BH_TRY(source.read_at(segment.p_offset, notes));

  std::uint64_t const alignment = segment.p_align == 8 ? 8 : 4;
  std::uint64_t offset = 0;
  while (offset < notes.size() && notes.size() - offset >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header{};
    std::memcpy(&header, notes.data() + offset, sizeof header);
    offset += sizeof header;
    auto const name = take(notes, offset, header.n_namesz, alignment);
    auto const description = name ? take(notes, offset, header.n_descsz, alignment) : std::nullopt;
    if (!description) return fail(Errc::Corrupt, "an ELF note ends beyond its segment");
    if (header.n_type != kPhys32Entry || name->size() != kXenName.size() ||
        std::memcmp(name->data(), kXenName.data(), kXenName.size()) != 0) {
      continue;
    }
    auto const entry = address_of(*description);
    if (!entry) return fail(Errc::Corrupt, "the PVH entry note is not an address");
    return entry;
  }
  return std::nullopt;
}

}  // namespace bh::vmm::boot
