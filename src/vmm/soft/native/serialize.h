#pragma once

namespace bh::vmm::soft {

/// Code that was written through another mapping runs as written from here on (SDM vol. 3, 8.1.3
/// and 8.3: IRET serializes, and, unlike CPUID, does not leave a virtual machine).
inline void serialize_execution() {
  asm volatile(
      "movq %%rsp, %%rax\n\t"
      "subq $128, %%rsp\n\t"  // The red zone.
      "movl %%ss, %%ecx\n\t"
      "pushq %%rcx\n\t"
      "pushq %%rax\n\t"
      "pushfq\n\t"
      "movl %%cs, %%ecx\n\t"
      "pushq %%rcx\n\t"
      "leaq 1f(%%rip), %%rcx\n\t"
      "pushq %%rcx\n\t"
      "iretq\n"
      "1:\n\t"
      :
      :
      : "rax", "rcx", "memory", "cc");
}

}  // namespace bh::vmm::soft
