# Segment bases and limits in long mode, far transfers, descriptor tables and their instructions.
.include "lib/cpu64.inc"
.set FS_BASE, 0xc0000100
.set GS_BASE, 0xc0000101
.set KERNEL_GS_BASE, 0xc0000102

main:
  call setup_cpu
  mov qword ptr [FREE], 0x1111
  mov qword ptr [FREE + 0x1000], 0x2222

  mov ecx, FS_BASE
  mov eax, FREE
  xor edx, edx
  wrmsr
  mov ecx, GS_BASE
  mov eax, FREE + 0x1000
  wrmsr
  CHECK_EQ fs:[0], 0x1111, "FS base"
  CHECK_EQ gs:[0], 0x2222, "GS base"
  mov rbx, -8
  mov fs:[rbx + 16], rax
  CHECK_SAME [FREE+8], rax, "FS base with a negative index"
  # DS, ES, CS and SS have no base.
  CHECK_EQ ds:[FREE], 0x1111, "DS has no base"
  # LEA knows no segment.
  .byte 0x64
  lea rax, [rbx]
  CHECK_EQ rax, -8, "lea ignores the base"
  # swapgs.
  mov ecx, KERNEL_GS_BASE
  mov eax, FREE
  wrmsr
  swapgs
  CHECK_EQ gs:[0], 0x1111, "after swapgs"
  mov ecx, GS_BASE
  rdmsr
  CHECK_EQ rax, FREE, "GS base after swapgs"
  swapgs
  CHECK_EQ gs:[0], 0x2222, "after swapgs twice"
  # Loading a selector replaces the base.
  mov eax, KERNEL_DATA
  mov fs, eax
  mov ecx, FS_BASE
  rdmsr
  CHECK_EQ rax, 0, "mov fs loads the descriptor's base"
  # A descriptor with a base: only FS and GS use it.
  lea rdi, [rip + gdt]
  mov rax, 0x0040930000000000 + 0xffff # Base 0.
  mov rcx, (FREE & 0xffff) << 16 | (FREE & 0xff0000) << 16
  or rax, rcx
  mov [rdi + SCRATCH_SELECTOR], rax
  mov eax, SCRATCH_SELECTOR
  mov fs, eax
  CHECK_EQ fs:[0], 0x1111, "base of a descriptor in FS"
  mov ds, eax
  CHECK_EQ ds:[FREE], 0x1111, "base of a descriptor in DS is not used"
  # Limits are not checked.
  mov rax, fs:[0x100000]
  # The CPU sets the accessed bit, and reading back selectors works.
  mov qword ptr [rdi + SCRATCH_SELECTOR], 0
  mov rax, 0x00cf92000000ffff
  mov [rdi + SCRATCH_SELECTOR], rax
  mov eax, SCRATCH_SELECTOR
  mov es, eax
  mov rcx, 0x00cf93000000ffff
  CHECK_SAME [rdi+SCRATCH_SELECTOR], rcx, "accessed bit of a descriptor"
  mov rcx, -1
  mov ecx, es
  CHECK_EQ rcx, SCRATCH_SELECTOR, "selector reads back"
  # Null selectors are fine in data segments.
  xor eax, eax
  mov ds, eax
  mov es, eax
  CHECK_EQ [FREE], 0x1111, "null DS"
  mov eax, KERNEL_DATA
  mov ds, eax
  mov es, eax

  # lar, lsl, verr, verw.
  mov eax, KERNEL_DATA
  lar ecx, ax
  CHECK_IF z, "lar of a data segment"
  and ecx, 0x00f0ff00
  CHECK_EQ rcx, 0x00c09300, "lar: rights"
  lsl ecx, ax
  CHECK_EQ rcx, 0xffffffff, "lsl: limit in bytes"
  mov eax, 0x1000
  lar ecx, ax
  CHECK_IF nz, "lar beyond the GDT"
  mov eax, READ_ONLY_DATA
  verr ax
  CHECK_IF z, "verr of a read-only segment"
  verw ax
  CHECK_IF nz, "verw of a read-only segment"

  # Far transfers: call and ret through memory, conforming code, a call gate is not used by kernels.
  lea rax, [rip + far_target]
  mov [rip + far_pointer], eax
  mov word ptr [rip + far_pointer + 4], KERNEL_CODE
  mov rbx, rsp
  .byte 0xff, 0x1d         # call far m16:32, 4-byte frames
  .long far_pointer - . - 4
  CHECK_SAME rsp, rbx, "far call and ret: rsp"
  CHECK_EQ r12, KERNEL_CODE, "far call: cs"
  mov word ptr [rip + far_pointer + 4], CONFORMING_CODE
  .byte 0xff, 0x1d
  .long far_pointer - . - 4
  CHECK_EQ r12, CONFORMING_CODE, "far call to conforming code"
  mov eax, cs
  CHECK_EQ rax, KERNEL_CODE, "and back"
  mov word ptr [rip + far_pointer + 4], KERNEL_DATA
  FAULT 13, KERNEL_DATA, "far jump to data", jmp fword ptr [rip+far_pointer]
  mov word ptr [rip + far_pointer + 4], 0
  FAULT 13, 0, "far jump to nowhere", jmp fword ptr [rip+far_pointer]

  # iretq to the same ring, with another rflags and rsp.
  mov rbx, rsp
  mov eax, KERNEL_DATA
  push rax
  push FREE + 0x800
  push 0x246
  push KERNEL_CODE
  lea rax, [rip + 1f]
  push rax
  iretq
1:
  mov rcx, rsp
  mov rsp, rbx
  CHECK_EQ rcx, FREE+0x800, "iretq: rsp"
  pushfq
  pop rax
  cli
  and eax, 0x2ff
  CHECK_EQ rax, 0x246, "iretq: rflags"

  # Compatibility mode: 32-bit code under a 64-bit kernel.
  lea rax, [rip + code32]
  mov [rip + far_pointer], eax
  mov word ptr [rip + far_pointer + 4], KERNEL_CODE32
  mov rbx, rsp
  jmp fword ptr [rip + far_pointer]
.code32
code32:
  mov eax, -1
  inc eax                  # 0x40 is INC here, and REX in 64-bit mode.
  mov ecx, 0x12345678
  ljmp KERNEL_CODE, offset code64
.code64
code64:
  mov rsp, rbx
  CHECK_EQ rcx, 0x12345678, "compatibility mode"

  # Tables read back, and TR.
  sub rsp, 16
  sgdt [rsp]
  movzx eax, word ptr [rsp]
  CHECK_EQ rax, GDT_END-1, "sgdt: limit"
  lea rax, [rip + gdt]
  CHECK_SAME [rsp+2], rax, "sgdt: base"
  sidt [rsp]
  CHECK_EQ [rsp+2], IDT, "sidt: base"
  add rsp, 16
  xor eax, eax
  str eax
  CHECK_EQ rax, TSS_SELECTOR, "str"
  lea rdi, [rip + gdt]
  movzx eax, byte ptr [rdi + TSS_SELECTOR + 5]
  CHECK_EQ rax, 0x8b, "ltr makes the TSS busy"
  mov eax, TSS_SELECTOR
  FAULT 13, TSS_SELECTOR, "ltr of a busy TSS", ltr ax
  xor eax, eax
  lldt ax
  sldt eax
  CHECK_EQ rax, 0, "sldt"
  # An LDT with one data segment.
  mov rax, 0x00cf93000000ffff
  mov [FREE + 0x2000], rax
  mov rax, 0x0000820000000007 + ((FREE + 0x2000) & 0xffff) << 16 + ((FREE + 0x2000) >> 16) << 32
  mov [rdi + SCRATCH_SELECTOR], rax
  mov qword ptr [rdi + SCRATCH_SELECTOR + 8], 0
  mov eax, SCRATCH_SELECTOR
  lldt ax
  mov eax, 4
  mov es, eax
  CHECK_EQ es:[FREE], 0x1111, "segment of the LDT"
  mov eax, 12
  FAULT 13, 12, "beyond the LDT", mov es, eax
  xor eax, eax
  lldt ax
  ret

.code64
far_target:
  mov r12d, cs
  retfd
.balign 8
far_pointer: .long 0
  .word 0
