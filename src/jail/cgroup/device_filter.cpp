#include "jail/cgroup/device_filter.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ranges>

#include "os/unique_fd.h"

namespace bh::jail {

namespace {

constexpr std::uint8_t kCompareImmediate = BPF_JMP | BPF_JNE | BPF_K;
constexpr std::uint8_t kCompareRegister = BPF_JMP | BPF_JNE | BPF_X;

bpf_insn instruction(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset,
                     std::int32_t value) {
  bpf_insn out{};
  out.code = code;
  out.dst_reg = to & 0xfU;
  out.src_reg = from & 0xfU;
  out.off = offset;
  out.imm = value;
  return out;
}

std::uint32_t access_bits(std::string_view access) {
  std::uint32_t bits = 0;
  for (char const letter : access) {
    if (letter == 'r') bits |= BPF_DEVCG_ACC_READ;
    if (letter == 'w') bits |= BPF_DEVCG_ACC_WRITE;
    if (letter == 'm') bits |= BPF_DEVCG_ACC_MKNOD;
  }
  return bits;
}

/// r2 is the type, r3 the access, r4 major, r5 minor; r1 is free for what is computed.
void append_rule(DeviceRule const& rule, std::vector<bpf_insn>& program) {
  std::vector<bpf_insn> tests;
  if (rule.type != 'a') {
    tests.push_back(instruction(kCompareImmediate, BPF_REG_2, 0, 0,
                                rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
  }
  auto const bits = access_bits(rule.access);
  constexpr std::uint32_t kAll = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
  if (bits != kAll) {
    tests.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0));
    tests.push_back(
        instruction(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0, static_cast<std::int32_t>(bits)));
    // An allowed access must be allowed as a whole; a refused one is refused for any part.
    tests.push_back(rule.allow ? instruction(kCompareRegister, BPF_REG_1, BPF_REG_3, 0, 0)
                               : instruction(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0));
  }
  auto const number = [&](std::optional<std::int64_t> const& wanted, std::uint8_t from) {
    if (!wanted || *wanted < 0) return;
    tests.push_back(instruction(kCompareImmediate, from, 0, 0, static_cast<std::int32_t>(*wanted)));
  };
  number(rule.major, BPF_REG_4);
  number(rule.minor, BPF_REG_5);
  // A test that fails leads behind the two instructions of the verdict.
  for (std::size_t i = 0; i < tests.size(); ++i) {
    if (BPF_CLASS(tests[i].code) == BPF_JMP) {
      tests[i].off = static_cast<std::int16_t>(tests.size() - i - 1 + 2);
    }
  }
  program.insert(program.end(), tests.begin(), tests.end());
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, rule.allow ? 1 : 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

std::uint64_t address_of(void const* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

std::vector<bpf_insn> device_program(std::span<DeviceRule const> rules) {
  std::vector<bpf_insn> program;
  auto const load = [&](std::uint8_t to, std::int16_t offset) {
    program.push_back(instruction(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offset, 0));
  };
  // struct bpf_cgroup_dev_ctx: the type is the lower half of access_type, the access the upper.
  load(BPF_REG_2, 0);
  load(BPF_REG_4, 4);
  load(BPF_REG_5, 8);
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0));
  program.push_back(instruction(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16));
  program.push_back(instruction(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff));
  for (auto const& rule : rules | std::views::reverse) {
    append_rule(rule, program);
    // What follows a rule for everything could never run, and the verifier refuses such code.
    bool const everything = rule.type == 'a' && !rule.major && !rule.minor &&
                            access_bits(rule.access) == access_bits("rwm");
    if (everything) return program;
  }
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return program;
}

Result<> attach_device_filter(int cgroup, std::span<DeviceRule const> rules) {
  auto const program = device_program(rules);
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = address_of(program.data());
  load.insn_cnt = static_cast<std::uint32_t>(program.size());
  load.license = address_of(kLicense);
  os::UniqueFd const loaded(
      static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
  if (!loaded.valid()) return fail_errno("load the device filter", errno);
  bpf_attr attach{};
  attach.target_fd = static_cast<std::uint32_t>(cgroup);
  attach.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) != 0) {
    return fail_errno("attach the device filter", errno);
  }
  return {};
}

}  // namespace bh::jail
