#include "vmm/boot/elf_loader.h"

#include <gtest/gtest.h>

#include <functional>

#include "vmm/boot/testing/elf_builder.h"

namespace bh::vmm::boot {
namespace {

constexpr std::uint64_t kMib = 1u << 20;

class ElfLoaderTest : public testing::Test {
 protected:
  Result<LoadedKernel> load(std::vector<std::byte> const& file) {
    return load_elf(memory_, MemorySource(file));
  }
  Result<LoadedKernel> load(ElfBuilder& builder) { return load(builder.build()); }

  std::string text_at(std::uint64_t address, std::size_t size) {
    std::string text(size, '\0');
    EXPECT_TRUE(memory_.read({address}, std::as_writable_bytes(std::span(text))));
    return text;
  }

  GuestMemory memory_ = *GuestMemory::create(8 * kMib);
};

TEST_F(ElfLoaderTest, PutsSegmentsAtTheirPhysicalAddresses) {
  ElfBuilder builder(0x100001);
  builder.load(0x100000, "code", 0x1000).load(0x300000, "data", 0x2000);
  auto const kernel = load(builder);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(text_at(0x100000, 5), std::string("code\0", 5));
  EXPECT_EQ(text_at(0x300000, 4), "data");
  EXPECT_EQ(kernel->entry.value, 0x100001u);
  EXPECT_EQ(kernel->end.value, 0x302000u);
  EXPECT_FALSE(kernel->pvh_entry);
}

TEST_F(ElfLoaderTest, FindsThePvhEntryBehindOtherNotes) {
  ElfBuilder builder(0x100000);
  builder.load(0x100000, "code", 0x1000)
      .note(std::string("GNU\0", 4), 18, "build-id-of-20-bytes")
      .note(std::string("Xen\0", 4), 6, "linux")
      .pvh_note(0x100800);
  auto const kernel = load(builder);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->pvh_entry, GuestAddress{0x100800});
}

TEST_F(ElfLoaderTest, FindsThePvhEntryOfFourBytesInANoteAlignedToEight) {
  ElfBuilder builder(0x100000);
  builder.load(0x100000, "code", 0x1000)
      .note(std::string("Xen\0", 4), 18, std::string("\x10\x00\x10\x00", 4), 8);
  auto const kernel = load(builder);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->pvh_entry, GuestAddress{0x100010});
}

struct BadElf {
  char const* name;
  std::function<void(ElfBuilder&)> spoil;
  char const* message;
};

class BadElfTest : public ElfLoaderTest, public testing::WithParamInterface<BadElf> {};

TEST_P(BadElfTest, IsRefusedWithTheReason) {
  ElfBuilder builder(0x100000);
  builder.load(0x100000, "code", 0x1000).load(0x200000, "data", 0x1000).pvh_note(0x100000);
  GetParam().spoil(builder);
  auto const kernel = load(builder);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    ElfLoader, BadElfTest,
    testing::Values(
        BadElf{"WrongMagic", [](auto& b) { b.header.e_ident[1] = 'X'; }, "not an ELF file"},
        BadElf{"Class32", [](auto& b) { b.header.e_ident[EI_CLASS] = ELFCLASS32; },
               "not a 64-bit x86 ELF file"},
        BadElf{"OtherMachine", [](auto& b) { b.header.e_machine = EM_AARCH64; },
               "not a 64-bit x86 ELF file"},
        BadElf{"SharedObject", [](auto& b) { b.header.e_type = ET_DYN; },
               "ELF file is not an executable with fixed addresses"},
        BadElf{"OddHeaderSize", [](auto& b) { b.header.e_phentsize = 32; },
               "ELF header names 3 program headers of 32 bytes"},
        BadElf{"HeadersBeyondEnd", [](auto& b) { b.header.e_phoff = ~0ull - 8; },
               "the file ends in its ELF program headers"},
        BadElf{"SegmentBeyondRam", [](auto& b) { b.segments[1].p_paddr = 8 * kMib - 0xfff; },
               "ELF segment 1 at 0x7ff001 (4 KiB) does not fit into guest memory of 8 MiB"},
        BadElf{"SegmentLargerThanRam",
               [](auto& b) {
                 b.segments[1].p_paddr = 0x1000000;
                 b.segments[1].p_memsz = 40 * kMib;
               },
               "ELF segment 1 at 0x1000000 (40 MiB) does not fit into guest memory of 8 MiB"},
        BadElf{"SegmentAtTheEndOfTheAddressSpace", [](auto& b) { b.segments[1].p_paddr = ~0ull; },
               "ELF segment 1 at 0xffffffffffffffff (4 KiB) does not fit into guest memory of 8 "
               "MiB"},
        BadElf{"SegmentBelowOneMib", [](auto& b) { b.segments[0].p_paddr = 0x7000; },
               "ELF segment 0 at 0x7000 (4 KiB) is below 1 MiB, where the boot tables are"},
        BadElf{"Overlap", [](auto& b) { b.segments[1].p_paddr = 0x100fff; },
               "ELF segment 1 at 0x100fff (4 KiB) overlaps segment 0"},
        BadElf{"LargerInTheFile", [](auto& b) { b.segments[0].p_filesz = 0x1001; },
               "ELF segment 0 at 0x100000 (4 KiB) is larger in the file"},
        BadElf{"DataBeyondTheFile", [](auto& b) { b.segments[0].p_offset = ~0ull; },
               "ELF segment 0 at 0x100000 (4 KiB) lies beyond the end of the file"},
        BadElf{"EntryNowhere", [](auto& b) { b.header.e_entry = 0x150000; },
               "ELF entry 0x150000 is in no ELF segment"},
        BadElf{"PvhEntryNowhere",
               [](auto& b) { b.pvh_note(1).segments.erase(b.segments.begin() + 2); },
               "PVH entry 0x1 is in no ELF segment"},
        BadElf{"NotesTooLong", [](auto& b) { b.segments[2].p_filesz = 1u << 30; },
               "ELF notes are too long or beyond the end of the file"},
        BadElf{"NoteCutOff", [](auto& b) { b.segments[2].p_filesz -= 8; },
               "an ELF note ends beyond its segment"}),
    [](auto const& info) { return info.param.name; });

TEST_F(ElfLoaderTest, RefusesEveryTruncationOfAKernel) {
  ElfBuilder builder(0x100000);
  auto const file = builder.load(0x100000, "code", 0x1000).build();
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(load({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)})) << size;
  }
}

TEST_F(ElfLoaderTest, RefusesMoreProgramHeadersThanAnyKernelHas) {
  ElfBuilder builder(0x100000);
  for (int i = 0; i < 65; ++i) builder.load(0x100000, "", 0);
  auto file = builder.build();
  auto const kernel = load(file);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().message, "ELF header names 65 program headers of 56 bytes");
}

}  // namespace
}  // namespace bh::vmm::boot
