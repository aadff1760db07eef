#pragma once

#include <cstdint>

#include "vmm/soft/translate/assembler.h"

namespace bh::vmm::soft {

enum class SiteKind : std::uint8_t {
  Miss,     // The TLB does not have the operand. `go_on` is before the probe.
  Step,     // An instruction is to be stepped; `go_on` is behind it.
  StepOut,  // The same, and the block ends.
  Link,     // A jump to `target` that is not patched yet.
  Poll,     // A backward jump to `target` found attention wanted.
  LookUp,   // An indirect branch to crossing.target.
};

/// What flags a patched jump hands on.
enum class FlagsAt : std::uint8_t { Host, Saved, Both };

/// A place where translated code leaves to C++.
struct Site {
  SiteKind kind = SiteKind::StepOut;
  FlagsAt flags = FlagsAt::Saved;  // Link: at the jump.
  bool writes = false;             // Miss
  bool user = false;               // Link, Miss: the block's mode.
  std::uint8_t size = 0;           // Miss: bytes of the operand.
  std::uint16_t offset = 0;        // Of the instruction, in its page.
  std::uint16_t next = 0;          // Step: of the instruction behind it.
  std::uint32_t undo_stack = 0;    // LookUp: what to take from RSP to be back at the instruction.
  std::int32_t target = 0;         // Link, Poll: bytes from the start of the instruction's page.
  CodeOffset go_on = 0;            // Miss, Step
  CodeOffset patch = 0;            // Link: of the jump's 32-bit distance. Miss: of the probe of a
                                   // slot; 0: none.
  CodeOffset unlinked = 0;         // Link: where the jump goes without a target.
  std::uint32_t next_incoming = kNone;  // Link: the next one of those that jump to the same block.
  std::uint32_t block = 0;
  std::uint32_t op = kNone;  // Step, StepOut: number of the Op to run, if the site has one.

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
};

/// A host instruction that may trap.
struct TrapPoint {
  CodeOffset host = 0;
  std::uint16_t offset = 0;      // The guest instruction's, in its page.
  std::uint16_t x87_opcode = 0;  // Op's.
  bool flags_in_host = false;
};

}  // namespace bh::vmm::soft
