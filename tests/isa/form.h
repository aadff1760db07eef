#pragma once

#include <Zydis/Zydis.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/isa/decode.h"
#include "tests/isa/encoding.h"

namespace bh::isa {

/// What a CPU that offers the guest's CPUID has to do with a form.
enum class Expectation : std::uint8_t {
  AsHost,           // The host executing the same bytes is right.
  InvalidOpcode,    // Must raise #UD, whatever the host does with it.
  AsHostOrInvalid,  // The guest's CPUID does not offer it: #UD or what the host does.
};

/// An instruction form and how to make instances of it.
struct Form {
  Encoding encoding;
  std::uint8_t example_modrm = 0;
  bool in_memory = false;       // ModRM names memory: any addressing form.
  bool reg_is_free = false;     // ModRM.reg names a register, else it extends the opcode.
  bool rm_is_free = false;      // Register form: ModRM.rm names a register.
  bool opcode_is_free = false;  // The opcode's low bits name a register.
  bool vvvv_is_free = false;
  bool decodable = true;  // False: no instruction known; #UD expected.
  std::uint64_t identity = 0;
  ZydisMnemonic mnemonic = ZYDIS_MNEMONIC_INVALID;
  ZydisISASet isa_set = ZYDIS_ISA_SET_INVALID;
  ZydisInstructionCategory category = ZYDIS_CATEGORY_INVALID;
  Expectation expectation = Expectation::AsHost;

  /// The plainest instance: [rax] or the registers numbered 0, all values zero.
  Assembled example() const;
  std::optional<Decoded> decode_example() const;
  std::string name() const;  // "lock add qword ptr [rax], rax (f0 48 01 00)"
};

/// Walks the whole opcode space and keeps one form per identity, in a fixed order.
std::vector<Form> walk_forms();

}  // namespace bh::isa
