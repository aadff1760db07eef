#pragma once

#include <cstdint>

#include "vmm/soft/state/flags.h"

namespace bh::vmm::soft {

/// Whether condition code `code` (low four bits of Jcc's opcode; SDM vol. 2, B.1.4.7) holds.
inline bool condition_holds(ArithmeticFlags flags, unsigned code) {
  bool holds = false;
  switch (code >> 1) {
    case 0: holds = flags.of(); break;
    case 1: holds = flags.cf(); break;
    case 2: holds = flags.zf(); break;
    case 3: holds = flags.cf() || flags.zf(); break;
    case 4: holds = flags.sf(); break;
    case 5: holds = flags.pf(); break;
    case 6: holds = flags.sf() != flags.of(); break;
    default: holds = flags.zf() || flags.sf() != flags.of(); break;
  }
  return holds != ((code & 1) != 0);
}

}  // namespace bh::vmm::soft
