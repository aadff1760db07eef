#include "tests/isa/left_out.h"

#include <algorithm>
#include <array>

namespace bh::isa {

namespace {

struct MnemonicRow {
  ZydisMnemonic mnemonic;
  std::string_view reason;
};

constexpr std::string_view kClock = "result differs from run to run";
constexpr std::string_view kIdentifies = "describes the CPU itself; the guest's is not the host's";
constexpr std::string_view kKernelEntry = "enters the kernel; tests/guests";
constexpr std::string_view kDescriptors =
    "reads descriptor tables; the guest's are not the host's; tests/guests";
constexpr std::string_view kTables =
    "the host kernel emulates it for programs (UMIP); tests/guests";
constexpr std::string_view kHypervisor = "leaves for the hypervisor";
constexpr std::string_view kTransaction = "aborts at the host's whim";
constexpr std::string_view kWaits = "waits for time or a store";
constexpr std::string_view kKeys = "could lock the test's own memory (protection keys)";

constexpr std::array kMnemonics{
    MnemonicRow{ZYDIS_MNEMONIC_RDTSC, kClock},
    MnemonicRow{ZYDIS_MNEMONIC_RDTSCP, kClock},
    MnemonicRow{ZYDIS_MNEMONIC_RDPMC, kClock},
    MnemonicRow{ZYDIS_MNEMONIC_RDPRU, kClock},
    MnemonicRow{ZYDIS_MNEMONIC_RDRAND, kClock},
    MnemonicRow{ZYDIS_MNEMONIC_RDSEED, kClock},
    MnemonicRow{ZYDIS_MNEMONIC_INT1, "a hypervisor below the host may report another address"},
    MnemonicRow{ZYDIS_MNEMONIC_RDPID, kIdentifies},
    MnemonicRow{ZYDIS_MNEMONIC_CPUID, kIdentifies},
    MnemonicRow{ZYDIS_MNEMONIC_XGETBV, kIdentifies},
    MnemonicRow{ZYDIS_MNEMONIC_SYSCALL, kKernelEntry},
    MnemonicRow{ZYDIS_MNEMONIC_SYSENTER, kKernelEntry},
    MnemonicRow{ZYDIS_MNEMONIC_SYSRET, kKernelEntry},
    MnemonicRow{ZYDIS_MNEMONIC_SYSEXIT, kKernelEntry},
    MnemonicRow{ZYDIS_MNEMONIC_LAR, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_LSL, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_VERR, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_VERW, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_LSS, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_LFS, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_LGS, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_IRET, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_IRETD, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_IRETQ, kDescriptors},
    MnemonicRow{ZYDIS_MNEMONIC_SGDT, kTables},
    MnemonicRow{ZYDIS_MNEMONIC_SIDT, kTables},
    MnemonicRow{ZYDIS_MNEMONIC_SLDT, kTables},
    MnemonicRow{ZYDIS_MNEMONIC_STR, kTables},
    MnemonicRow{ZYDIS_MNEMONIC_SMSW, kTables},
    MnemonicRow{ZYDIS_MNEMONIC_VMCALL, kHypervisor},
    MnemonicRow{ZYDIS_MNEMONIC_VMMCALL, kHypervisor},
    MnemonicRow{ZYDIS_MNEMONIC_VMFUNC, kHypervisor},
    MnemonicRow{ZYDIS_MNEMONIC_TDCALL, kHypervisor},
    MnemonicRow{ZYDIS_MNEMONIC_XBEGIN, kTransaction},
    MnemonicRow{ZYDIS_MNEMONIC_XABORT, kTransaction},
    MnemonicRow{ZYDIS_MNEMONIC_XEND, kTransaction},
    MnemonicRow{ZYDIS_MNEMONIC_XTEST, kTransaction},
    MnemonicRow{ZYDIS_MNEMONIC_MWAITX, kWaits},
    MnemonicRow{ZYDIS_MNEMONIC_MONITORX, kWaits},
    MnemonicRow{ZYDIS_MNEMONIC_UMWAIT, kWaits},
    MnemonicRow{ZYDIS_MNEMONIC_UMONITOR, kWaits},
    MnemonicRow{ZYDIS_MNEMONIC_TPAUSE, kWaits},
    MnemonicRow{ZYDIS_MNEMONIC_WRPKRU, kKeys},
    MnemonicRow{ZYDIS_MNEMONIC_RDPKRU, kKeys},
};

struct SetRow {
  ZydisISASet set;
  std::string_view reason;
};
constexpr std::array kSets{
    SetRow{ZYDIS_ISA_SET_SVM, kHypervisor}, SetRow{ZYDIS_ISA_SET_VTX, kHypervisor},
    SetRow{ZYDIS_ISA_SET_TDX, kHypervisor}, SetRow{ZYDIS_ISA_SET_SNP, kHypervisor},
    SetRow{ZYDIS_ISA_SET_SGX, kHypervisor}, SetRow{ZYDIS_ISA_SET_SGX_ENCLV, kHypervisor},
    SetRow{ZYDIS_ISA_SET_SMX, kHypervisor}, SetRow{ZYDIS_ISA_SET_UINTR, kKernelEntry},
};

bool loads_segment(Decoded const& decoded) {
  return std::ranges::any_of(decoded.all_operands(), [](ZydisDecodedOperand const& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(operand.reg.value) == ZYDIS_REGCLASS_SEGMENT &&
           (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
  });
}

}  // namespace

std::optional<std::string_view> reason_left_out(Form const& form) {
  if (!form.decodable) {
    bool const alternate_cr8 = form.encoding.prefixes[0] == 0xf0 && form.encoding.map == 1 &&
                               (form.encoding.opcode == 0x20 || form.encoding.opcode == 0x22);
    bool const system_group =
        form.encoding.map == 1 && form.encoding.opcode == 0x01 && !form.in_memory;
    if (system_group) return kHypervisor;
    if (alternate_cr8) return "LOCK MOV CR0: CR8 on AMD, #UD on Intel";
    return std::nullopt;
  }
  for (MnemonicRow const& row : kMnemonics) {
    if (row.mnemonic == form.mnemonic) return row.reason;
  }
  for (SetRow const& row : kSets) {
    if (row.set == form.isa_set) return row.reason;
  }
  auto const decoded = form.decode_example();
  if (!decoded) return "decodes only with particular registers";
  ZydisDecodedInstruction const& instruction = decoded->instruction;
  if (instruction.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) {
    return "far transfer: the guest's descriptors are not the host's; tests/guests";
  }
  if (loads_segment(*decoded)) return "loads a segment register; tests/guests";
  bool const near_branch =
      instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE || form.mnemonic == ZYDIS_MNEMONIC_RET;
  bool const operand_size =
      std::ranges::find(form.encoding.prefixes, 0x66) != form.encoding.prefixes.end();
  if (near_branch && operand_size)
    return "near branch with 66h: Intel ignores the prefix, AMD does not";
  bool const prefetch_register = form.encoding.kind == EncodingKind::Legacy &&
                                 form.encoding.map == 1 && form.encoding.opcode == 0x0d &&
                                 !form.in_memory;
  if (prefetch_register) return "0F 0D with a register: NOP on Intel, #UD on AMD";
  return std::nullopt;
}

bool must_be_invalid(Form const& form) {
  std::string_view const set = ZydisISASetGetString(form.isa_set);
  return form.encoding.kind == EncodingKind::Evex || set.starts_with("AVX512") ||
         set.starts_with("AMX") || set.starts_with("KNC");
}

}  // namespace bh::isa
