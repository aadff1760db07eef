#include "vmm/soft/system/not_supported.h"

#include <fmt/format.h>

namespace bh::vmm::soft {

Flow not_supported(Cpu& cpu, std::string_view what) {
  cpu.exit =
      InternalError{fmt::format("vcpu {}: the software CPU does not support {} (near cs:rip "
                                "{:#x}:{:#x}); use KVM for this guest",
                                cpu.index, what, cpu.segments[Cs].selector, cpu.rip)};
  return Flow::Exit;
}

}  // namespace bh::vmm::soft
