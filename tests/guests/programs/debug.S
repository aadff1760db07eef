# Single step and hardware breakpoints: #DB and DR6.
.include "lib/cpu64.inc"
main:
  call setup_cpu

  # TF: a trap after the instruction that follows popf.
  lea rax, [rip + count_step]
  mov [rip + hooks + 8], rax
  xor ebx, ebx
  mov dr6, rbx
  pushfq
  or qword ptr [rsp], 0x100
  popfq
  nop
first_step:
  nop
second_step:
  pushfq
  pop rcx
  and rcx, ~0x100
  push rcx
  popfq
steps_done:
  mov rax, [rip + steps]
  # nop, nop, pushfq, pop, and, push, popfq: the last one still had TF.
  CHECK_EQ rax, 7, "single steps"
  lea rax, [rip + first_step]
  CHECK_SAME [rip + step_rips], rax, "first step: rip"
  lea rax, [rip + second_step]
  CHECK_SAME [rip + step_rips + 8], rax, "second step: rip"
  mov rax, [rip + step_rips + 48]
  lea rcx, [rip + steps_done]
  CHECK_SAME rax, rcx, "last step: rip"
  mov rax, [rip + step_dr6]
  and eax, 0xe00f
  CHECK_EQ rax, 0x4000, "DR6.BS"
  mov rax, [rip + step_rflags]
  and eax, 0x100
  CHECK_EQ rax, 0x100, "saved rflags have TF"

  # Repeated string instructions stop after each turn.
  mov qword ptr [rip + steps], 0
  mov edi, FREE
  mov ecx, 3
  xor eax, eax
  pushfq
  or qword ptr [rsp], 0x100
  popfq
  rep stosb
  pushfq
  and qword ptr [rsp], ~0x100
  popfq
  # Three turns, pushfq, and, popfq.
  CHECK_EQ [rip + steps], 6, "single steps of rep stosb"

  # mov ss holds off the trap of the next instruction.
  mov qword ptr [rip + steps], 0
  mov eax, KERNEL_DATA
  pushfq
  or qword ptr [rsp], 0x100
  popfq
  mov ss, eax
  nop
after_shadow:
  pushfq
  and qword ptr [rsp], ~0x100
  popfq
  lea rax, [rip + after_shadow]
  CHECK_SAME [rip + step_rips], rax, "no step between mov ss and the next instruction"
  mov qword ptr [rip + hooks + 8], 0

  # A breakpoint on execution is a fault before the instruction; RF in the saved flags passes it.
  lea rax, [rip + breakpoint]
  mov dr0, rax
  xor eax, eax
  mov dr6, rax
  mov eax, 0x402           # G0 is bit 1; 0x400 is always 1.
  mov dr7, rax
  lea rax, [rip + set_rf]
  mov [rip + hooks + 8], rax
  mov qword ptr [rip + steps], 0
breakpoint:
  nop
  CHECK_EQ [rip + steps], 1, "breakpoint: once"
  lea rax, [rip + breakpoint]
  CHECK_SAME [rip + trap_rip], rax, "breakpoint: rip"
  mov rax, [rip + step_dr6]
  and eax, 0xe00f
  CHECK_EQ rax, 1, "DR6.B0"

  # A watchpoint is a trap after the write.
  mov eax, FREE + 8
  mov dr1, rax
  xor eax, eax
  mov dr6, rax
  mov eax, 0x00d00408      # G1; RW1 = 1 (write), LEN1 = 3 (4 bytes).
  mov dr7, rax
  lea rax, [rip + count_step]
  mov [rip + hooks + 8], rax
  mov qword ptr [rip + steps], 0
  mov eax, [FREE + 8]
  CHECK_EQ [rip + steps], 0, "watchpoint: not on a read"
  mov dword ptr [FREE + 12], 1
  CHECK_EQ [rip + steps], 0, "watchpoint: not beside it"
  mov dword ptr [FREE + 8], 1
watched:
  CHECK_EQ [rip + steps], 1, "watchpoint: on a write"
  lea rax, [rip + watched]
  CHECK_SAME [rip + trap_rip], rax, "watchpoint: rip"
  mov byte ptr [FREE + 11], 1
  CHECK_EQ [rip + steps], 2, "watchpoint: on a write that overlaps"
  mov rax, [rip + step_dr6]
  and eax, 0xe00f
  CHECK_EQ rax, 2, "DR6.B1"
  mov eax, 0x400
  mov dr7, rax

  ret

count_step:
  mov rbx, dr6
  mov [rip + step_dr6], rbx
  mov rax, [rip + steps]
  cmp rax, 8
  jae 1f
  lea rbx, [rip + step_rips]
  lea rbx, [rbx + rax * 8]
  mov rax, [rip + trap_rip]
  mov [rbx], rax
  mov rax, [rip + trap_rflags]
  cmp qword ptr [rip + steps], 0
  jne 1f
  mov [rip + step_rflags], rax
1:
  inc qword ptr [rip + steps]
  xor eax, eax
  mov dr6, rax
  ret

set_rf:
  call count_step
  mov rbx, [rip + trap_frame]
  or dword ptr [rbx + 16], 0x10000
  ret

.balign 8
steps: .quad 0
step_dr6: .quad 0
step_rflags: .quad 0        # Of the first step.
step_rips: .fill 8, 8, 0
