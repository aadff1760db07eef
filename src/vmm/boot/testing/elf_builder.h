#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace bh::vmm::boot {

/// Makes small ELF executables; headers stay open to be spoilt before build().
class ElfBuilder {
 public:
  explicit ElfBuilder(std::uint64_t entry) {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = entry;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
  }

  /// A segment that takes `size` bytes of memory and has `contents` in the file.
  ElfBuilder& load(std::uint64_t address, std::string const& contents, std::uint64_t size) {
    return add(PT_LOAD, address, contents, size, kFilePage);
  }

  ElfBuilder& note(std::string const& name, std::uint32_t type, std::string const& description,
                   std::uint64_t alignment = 4) {
    Elf64_Nhdr note{};
    note.n_namesz = static_cast<std::uint32_t>(name.size());
    note.n_descsz = static_cast<std::uint32_t>(description.size());
    note.n_type = type;
    std::string bytes(reinterpret_cast<char const*>(&note), sizeof note);
    bytes += name;
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    bytes += description;
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return add(PT_NOTE, 0, bytes, bytes.size(), alignment);
  }

  ElfBuilder& pvh_note(std::uint64_t entry) {
    constexpr std::uint32_t kPhys32Entry = 18;
    return note(std::string("Xen\0", 4), kPhys32Entry,
                {reinterpret_cast<char const*>(&entry), sizeof entry});
  }

  std::vector<std::byte> build() {
    header.e_phnum = static_cast<std::uint16_t>(segments.size());
    std::vector<std::byte> file(kFilePage);
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, segments.data(), segments.size() * sizeof(Elf64_Phdr));
    file.insert(file.end(), contents_.begin(), contents_.end());
    return file;
  }

  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;

 private:
  static constexpr std::uint64_t kFilePage = 0x1000;

  ElfBuilder& add(std::uint32_t type, std::uint64_t address, std::string const& contents,
                  std::uint64_t size, std::uint64_t alignment) {
    Elf64_Phdr segment{};
    segment.p_type = type;
    segment.p_offset = kFilePage + contents_.size();
    segment.p_paddr = address;
    segment.p_filesz = contents.size();
    segment.p_memsz = size;
    segment.p_align = alignment;
    segments.push_back(segment);
    auto const bytes = std::as_bytes(std::span(contents));
    contents_.insert(contents_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  std::vector<std::byte> contents_;
};

}  // namespace bh::vmm::boot
