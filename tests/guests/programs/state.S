# Puts known values everywhere, asks to be moved to a new machine, and looks whether all is there.
.include "lib/cpu64.inc"
.set PORT_MOVE, 0xf6
.set FS_BASE, 0xc0000100
.set GS_BASE, 0xc0000101

.macro WRITE_MSR index, value
  mov ecx, \index
  mov eax, (\value) & 0xffffffff
  mov edx, (\value) >> 32
  wrmsr
.endm
.macro CHECK_MSR index, value, text
  mov ecx, \index
  rdmsr
  shl rdx, 32
  or rax, rdx
  CHECK_EQ rax, \value, "\text"
.endm

main:
  call setup_cpu
  WRITE_MSR FS_BASE, 0x123456789000
  WRITE_MSR GS_BASE, 0x223456789000
  WRITE_MSR 0xc0000102, 0x323456789000
  WRITE_MSR 0xc0000081, 0x0018000800000000
  WRITE_MSR 0xc0000082, 0x423456789abc
  WRITE_MSR 0xc0000084, 0x47700
  # 32 bits: on AMD KVM keeps no more of SYSENTER_ESP and EIP.
  WRITE_MSR 0x174, 0x08
  WRITE_MSR 0x175, 0x56789abc
  WRITE_MSR 0x176, 0x66789abc
  WRITE_MSR 0x277, 0x0007010600070106
  mov rax, 0x7777000
  mov cr2, rax
  mov rax, 0x1111
  mov dr0, rax
  mov rax, 0x3333
  mov dr3, rax
  mov eax, 7
  mov cr8, rax
  rdtsc
  shl rdx, 32
  or rax, rdx
  mov [rip + tsc_before], rax
  mov [rip + rsp_before], rsp

  mov rbx, 0xb0b0b0b0b0b0b0b0
  mov rcx, 0xc0c0c0c0c0c0c0c0
  mov rdx, 0xd0d0d0d0d0d0d0d0
  mov rsi, 0x5151515151515151
  mov rdi, 0xd1d1d1d1d1d1d1d1
  mov rbp, 0xb9b9b9b9b9b9b9b9
  mov r8, 0x0808080808080808
  mov r9, 0x0909090909090909
  mov r10, 0x1010101010101010
  mov r11, 0x1111111111111111
  mov r12, 0x1212121212121212
  mov r13, 0x1313131313131313
  mov r14, 0x1414141414141414
  mov r15, 0x1515151515151515
  mov rax, 0xa0a0a0a0a0a0a0a0
  stc
  std
  out PORT_MOVE, al
  # Here the machine is another one.
  mov [rip + r14_after], r14
  mov [rip + r15_after], r15
  pushfq
  cld
  pop qword ptr [rip + flags_after]
  CHECK_EQ rax, 0xa0a0a0a0a0a0a0a0, "rax"
  CHECK_EQ rbx, 0xb0b0b0b0b0b0b0b0, "rbx"
  CHECK_EQ rcx, 0xc0c0c0c0c0c0c0c0, "rcx"
  CHECK_EQ rdx, 0xd0d0d0d0d0d0d0d0, "rdx"
  CHECK_EQ rsi, 0x5151515151515151, "rsi"
  CHECK_EQ rdi, 0xd1d1d1d1d1d1d1d1, "rdi"
  CHECK_EQ rbp, 0xb9b9b9b9b9b9b9b9, "rbp"
  CHECK_EQ r8, 0x0808080808080808, "r8"
  CHECK_EQ r9, 0x0909090909090909, "r9"
  CHECK_EQ r10, 0x1010101010101010, "r10"
  CHECK_EQ r11, 0x1111111111111111, "r11"
  CHECK_EQ r12, 0x1212121212121212, "r12"
  CHECK_EQ r13, 0x1313131313131313, "r13"
  CHECK_EQ [rip+r14_after], 0x1414141414141414, "r14"
  CHECK_EQ [rip+r15_after], 0x1515151515151515, "r15"
  CHECK_SAME rsp, [rip+rsp_before], "rsp"
  mov rax, [rip + flags_after]
  and eax, 0x401
  CHECK_EQ rax, 0x401, "rflags"
  CHECK_MSR FS_BASE, 0x123456789000, "FS base"
  CHECK_MSR GS_BASE, 0x223456789000, "GS base"
  CHECK_MSR 0xc0000102, 0x323456789000, "kernel GS base"
  CHECK_MSR 0xc0000081, 0x0018000800000000, "STAR"
  CHECK_MSR 0xc0000082, 0x423456789abc, "LSTAR"
  CHECK_MSR 0xc0000084, 0x47700, "FMASK"
  CHECK_MSR 0x174, 0x08, "SYSENTER_CS"
  CHECK_MSR 0x175, 0x56789abc, "SYSENTER_ESP"
  CHECK_MSR 0x176, 0x66789abc, "SYSENTER_EIP"
  CHECK_MSR 0x277, 0x0007010600070106, "PAT"
  mov rax, cr2
  CHECK_EQ rax, 0x7777000, "CR2"
  mov rax, cr8
  CHECK_EQ rax, 7, "CR8"
  mov rax, cr3
  CHECK_EQ rax, PML4, "CR3"
  mov rax, dr0
  CHECK_EQ rax, 0x1111, "DR0"
  mov rax, dr3
  CHECK_EQ rax, 0x3333, "DR3"
  str eax
  CHECK_EQ rax, TSS_SELECTOR, "TR"
  sub rsp, 16
  sgdt [rsp]
  lea rax, [rip + gdt]
  CHECK_SAME [rsp+2], rax, "GDT"
  sidt [rsp]
  CHECK_EQ [rsp+2], IDT, "IDT"
  add rsp, 16
  rdtsc
  shl rdx, 32
  or rax, rdx
  cmp rax, [rip + tsc_before]
  CHECK_IF a, "the TSC goes on"
  # Exceptions are still delivered where they were.
  mov rbx, 0x7f0000000000
  FAULT 14, 0, "page fault", mov rax, [rbx]
  ret

.balign 8
tsc_before: .quad 0
rsp_before: .quad 0
flags_after: .quad 0
r14_after: .quad 0
r15_after: .quad 0
