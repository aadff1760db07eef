#include "jail/cgroup/device_filter.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <array>

namespace bh::jail {
namespace {

/// Runs the few kinds of instructions that device_program() uses.
bool allows(std::vector<bpf_insn> const& program, std::uint32_t type, std::uint32_t access,
            std::uint32_t major, std::uint32_t minor) {
  std::array<std::uint64_t, 11> registers{};
  std::array<std::uint32_t, 3> const context = {access << 16 | type, major, minor};
  for (std::size_t at = 0; at < program.size(); ++at) {
    auto const& one = program[at];
    auto& to = registers[one.dst_reg];
    auto const value =
        BPF_SRC(one.code) == BPF_X ? registers[one.src_reg] : static_cast<std::uint64_t>(one.imm);
    if (BPF_CLASS(one.code) == BPF_LDX) {
      to = context.at(static_cast<std::size_t>(one.off) / 4);
    } else if (BPF_CLASS(one.code) == BPF_ALU64) {
      switch (BPF_OP(one.code)) {
        case BPF_MOV: to = value; break;
        case BPF_AND: to &= value; break;
        case BPF_RSH: to >>= value; break;
        default: ADD_FAILURE() << "operation " << int{one.code};
      }
    } else if (BPF_OP(one.code) == BPF_EXIT) {
      return registers[0] == 1;
    } else if ((BPF_OP(one.code) == BPF_JNE) == (to != value)) {
      at += static_cast<std::size_t>(one.off);
    }
  }
  ADD_FAILURE() << "the program runs off its end";
  return false;
}

constexpr auto kChar = BPF_DEVCG_DEV_CHAR;
constexpr auto kBlock = BPF_DEVCG_DEV_BLOCK;
constexpr auto kRead = BPF_DEVCG_ACC_READ;
constexpr auto kWrite = BPF_DEVCG_ACC_WRITE;
constexpr auto kMake = BPF_DEVCG_ACC_MKNOD;

TEST(DeviceFilter, RefusesWhatNoRuleCovers) {
  EXPECT_FALSE(allows(device_program({}), kChar, kRead, 1, 3));
}

TEST(DeviceFilter, TheLastRuleThatCoversDecides) {
  std::vector<DeviceRule> const rules = {
      {.allow = false},
      {.allow = true, .type = 'c', .major = 1, .minor = 3, .access = "rwm"},
      {.allow = true, .type = 'c', .major = 5, .minor = {}, .access = "rw"},
      {.allow = false, .type = 'c', .major = 5, .minor = 1, .access = "w"},
  };
  auto const program = device_program(rules);
  EXPECT_TRUE(allows(program, kChar, kRead | kWrite, 1, 3));
  EXPECT_FALSE(allows(program, kChar, kRead, 1, 4));
  EXPECT_FALSE(allows(program, kBlock, kRead, 1, 3));
  EXPECT_TRUE(allows(program, kChar, kWrite, 5, 0));
  EXPECT_FALSE(allows(program, kChar, kMake, 5, 0));
  EXPECT_FALSE(allows(program, kChar, kWrite, 5, 1));
  EXPECT_FALSE(allows(program, kChar, kRead | kWrite, 5, 1));
  EXPECT_TRUE(allows(program, kChar, kRead, 5, 1));
}

TEST(DeviceFilter, AllowingAllAllowsAll) {
  std::vector<DeviceRule> const rules = {{.allow = true}};
  EXPECT_TRUE(allows(device_program(rules), kBlock, kRead | kWrite | kMake, 8, 0));
}

}  // namespace
}  // namespace bh::jail
