#include "vmm/kvm/kvm_exit.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <variant>
#include <vector>

namespace bh::vmm::kvm {
namespace {

/// A vCPU's shared area with room for port data behind the struct.
struct Area {
  alignas(kvm_run) std::array<std::byte, 8192> bytes{};

  kvm_run& run() { return *reinterpret_cast<kvm_run*>(bytes.data()); }
  void set_io(std::uint8_t direction, std::uint8_t size, std::uint32_t count,
              std::uint64_t offset = 4096) {
    run().exit_reason = KVM_EXIT_IO;
    run().io = {
        .direction = direction, .size = size, .port = 0x3f8, .count = count, .data_offset = offset};
  }
};

TEST(KvmExitTest, HandsAPortWriteOverWithItsData) {
  Area area;
  area.set_io(KVM_EXIT_IO_OUT, 2, 1);
  area.bytes[4096] = std::byte{0x34};
  area.bytes[4097] = std::byte{0x12};
  PortPieces pieces(area.bytes);
  Exit const exit = pieces.next();
  auto const& write = std::get<PortWrite>(exit);
  EXPECT_EQ(write.port, 0x3f8);
  ASSERT_EQ(write.data.size(), 2u);
  EXPECT_EQ(write.data[1], std::byte{0x12});
  EXPECT_TRUE(pieces.empty());
}

TEST(KvmExitTest, SplitsAStringReadIntoPiecesThatAnswerInPlace) {
  Area area;
  area.set_io(KVM_EXIT_IO_IN, 4, 3);
  PortPieces pieces(area.bytes);
  for (std::uint8_t i = 0; i < 3; ++i) {
    ASSERT_FALSE(pieces.empty());
    Exit const exit = pieces.next();
    auto const& read = std::get<PortRead>(exit);
    ASSERT_EQ(read.data.size(), 4u);
    read.data[0] = std::byte{i};
  }
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(area.bytes[4096 + 8], std::byte{2});
}

TEST(KvmExitTest, RefusesPortDataOutsideOfTheSharedArea) {
  struct Case {
    std::uint8_t size;
    std::uint32_t count;
    std::uint64_t offset;
  };
  for (auto const& [size, count, offset] :
       {Case{4, 1, 8190}, Case{1, 4097, 4096}, Case{4, 0xffff'ffff, 4096},
        Case{1, 1, ~std::uint64_t{0}}, Case{0, 1, 4096}}) {
    Area area;
    area.set_io(KVM_EXIT_IO_OUT, size, count, offset);
    EXPECT_TRUE(PortPieces(area.bytes).empty());
  }
}

TEST(KvmExitTest, HandsMmioOverWithAddressAndSize) {
  kvm_run run{};
  run.exit_reason = KVM_EXIT_MMIO;
  run.mmio.phys_addr = 0xd000'0010;
  run.mmio.len = 4;
  auto exit = exit_of(run);
  ASSERT_TRUE(exit);
  auto const& read = std::get<MmioRead>(*exit);
  EXPECT_EQ(read.address, GuestAddress{0xd000'0010});
  ASSERT_EQ(read.data.size(), 4u);
  read.data[3] = std::byte{0x77};
  EXPECT_EQ(run.mmio.data[3], 0x77);

  run.mmio.is_write = 1;
  run.mmio.len = 200;  // More than KVM could mean.
  exit = exit_of(run);
  EXPECT_EQ(std::get<MmioWrite>(*exit).data.size(), 8u);
}

TEST(KvmExitTest, NamesHaltShutdownAndInterruption) {
  kvm_run run{};
  run.exit_reason = KVM_EXIT_HLT;
  EXPECT_TRUE(std::holds_alternative<Halted>(*exit_of(run)));
  run.exit_reason = KVM_EXIT_SHUTDOWN;
  EXPECT_TRUE(std::holds_alternative<Shutdown>(*exit_of(run)));
  run.exit_reason = KVM_EXIT_INTR;
  EXPECT_TRUE(std::holds_alternative<Interrupted>(*exit_of(run)));
}

TEST(KvmExitTest, LeavesFailuresToWords) {
  kvm_run run{};
  run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
  run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
  EXPECT_FALSE(exit_of(run));
  EXPECT_EQ(failure_words(run),
            "KVM cannot emulate an instruction (KVM_EXIT_INTERNAL_ERROR, suberror 1)");
  run.internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
  run.internal.ndata = 2;
  run.internal.data[0] = 0x80000b0e;
  run.internal.data[1] = 0x31;
  EXPECT_EQ(failure_words(run),
            "KVM could not deliver an event (KVM_EXIT_INTERNAL_ERROR, suberror 3, 0x80000b0e, "
            "0x31)");
  run.exit_reason = KVM_EXIT_FAIL_ENTRY;
  run.fail_entry.hardware_entry_failure_reason = 0x80000021;
  EXPECT_EQ(failure_words(run),
            "the CPU refused to enter the guest (KVM_EXIT_FAIL_ENTRY, reason 0x80000021)");
  run.exit_reason = KVM_EXIT_XEN;
  EXPECT_EQ(failure_words(run), "KVM came back with exit 34, which this engine never asks for");
}

TEST(KvmExitTest, TakesInstructionBytesOnlyWhenKvmSaysThatTheyAreThere) {
  kvm_run run{};
  run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
  run.emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
  run.emulation_failure.ndata = 3;
  run.emulation_failure.insn_size = 200;
  EXPECT_TRUE(failed_instruction(run).empty());
  run.emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
  EXPECT_EQ(failed_instruction(run).size(), 15u);
  run.emulation_failure.insn_size = 3;
  EXPECT_EQ(failed_instruction(run).size(), 3u);
  run.emulation_failure.ndata = 0;
  EXPECT_TRUE(failed_instruction(run).empty());
}

}  // namespace
}  // namespace bh::vmm::kvm
