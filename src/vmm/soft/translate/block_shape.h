#pragma once

#include "vmm/soft/translate/piece.h"

namespace bh::vmm::soft {

/// Conditional branches of a block.
inline constexpr unsigned kMostBranches = 2;

/// Whether nothing behind such an instruction is of its block.
constexpr bool ends_block(PieceKind kind) {
  switch (kind) {
    case PieceKind::Jump:
    case PieceKind::Call:
    case PieceKind::JumpIndirect:
    case PieceKind::CallIndirect:
    case PieceKind::Return:
    case PieceKind::StepOut: return true;
    default: return false;
  }
}

}  // namespace bh::vmm::soft
