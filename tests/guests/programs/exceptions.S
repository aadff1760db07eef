# Every exception a kernel can be given, with its vector, error code and saved rip.
.include "lib/cpu64.inc"
main:
  call setup_cpu

  xor ecx, ecx
  mov eax, 5
  xor edx, edx
  FAULT 0, 0, "div by zero", div ecx
  mov eax, 0
  mov edx, 5
  mov ecx, 5
  FAULT 0, 0, "div overflow", div ecx
  mov rax, 1 << 63
  cqo
  mov rcx, -1
  FAULT 0, 0, "idiv overflow", idiv rcx
  CHECK_EQ rax, 0x8000000000000000, "a faulting idiv changes nothing"

  TRAP_AFTER 3, "int3", int3
  TRAP_AFTER 3, "int 3", .byte 0xcd, 3
  TRAP_AFTER 0x80, "int 0x80", int 0x80
  CHECK_EQ [rip+trap_cs], KERNEL_CODE, "saved cs"
  CHECK_EQ [rip+trap_ss], KERNEL_DATA, "saved ss"
  mov rax, rsp
  CHECK_SAME [rip+trap_rsp], rax, "saved rsp"

  FAULT 6, 0, "ud2", ud2
  FAULT 6, 0, "into does not exist in 64-bit mode", .byte 0xce
  FAULT 6, 0, "lock on a register form", .byte 0xf0, 0x01, 0xc0
  FAULT 6, 0, "lea of a register", .byte 0x8d, 0xc0
  FAULT 6, 0, "ud1", .byte 0x0f, 0xb9, 0xc0

  # #NM: x87 and SSE with CR0.TS.
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  FAULT 7, 0, "x87 with TS", fnop
  FAULT 7, 0, "SSE with TS", xorps xmm0, xmm0
  clts
  mov rax, cr0
  and eax, 8
  CHECK_EQ rax, 0, "clts"
  mov rcx, cr0
  or rcx, 4
  mov cr0, rcx
  FAULT 7, 0, "x87 with EM", fnop
  FAULT 6, 0, "SSE with EM", xorps xmm0, xmm0
  and rcx, ~4
  mov cr0, rcx

  # #NP and #GP through selectors: the error code is the selector without RPL.
  mov eax, ABSENT_DATA
  FAULT 11, ABSENT_DATA, "segment not present", mov ds, eax
  mov eax, ABSENT_DATA
  FAULT 12, ABSENT_DATA, "stack segment not present", mov ss, eax
  mov eax, READ_ONLY_DATA
  FAULT 13, READ_ONLY_DATA, "read-only stack", mov ss, eax
  mov eax, 0x1000
  FAULT 13, 0x1000, "selector beyond the GDT", mov es, eax
  mov eax, USER_DATA
  FAULT 13, 0x20, "stack segment of another ring", mov ss, eax
  mov eax, 0x0c
  FAULT 13, 0x0c, "selector in an LDT that is not there", mov ds, eax
  mov eax, KERNEL_DATA
  FAULT 13, KERNEL_DATA, "ltr of a data segment", ltr ax

  # #GP(0): what ring 0 is refused.
  mov ecx, 0xdeadbeef
  FAULT 13, 0, "rdmsr of no MSR", rdmsr
  mov rax, cr4
  and rax, ~0x20
  FAULT 13, 0, "PAE off in long mode", mov cr4, rax
  mov rax, cr0
  and rax, ~1
  FAULT 13, 0, "paging without protection", mov cr0, rax
  mov rax, 1 << 63
  FAULT 13, 0, "not canonical", mov rcx, [rax]
  mov ecx, 0xc0000080
  rdmsr
  btr eax, 8
  FAULT 13, 0, "LME off while paging", wrmsr

  # An interrupt gate clears IF, a trap gate keeps it; both clear TF.
  sti
  mov byte ptr [IDT + 0x80 * 16 + 5], 0x8f
  lea rax, [rip + keep_rflags]
  mov [rip + hooks + 0x80 * 8], rax
  int 0x80
  CHECK_EQ [rip+seen_rflags], 0x200, "trap gate keeps IF"
  mov byte ptr [IDT + 0x80 * 16 + 5], 0x8e
  int 0x80
  cli
  CHECK_EQ [rip+seen_rflags], 0, "interrupt gate clears IF"
  mov rax, [rip + trap_rflags]
  and eax, 0x200
  CHECK_EQ rax, 0x200, "saved rflags have IF"

  # The frame is aligned to 16 bytes whatever rsp was.
  mov rbx, rsp
  sub rsp, 3
  int 0x80
  mov rsp, rbx
  mov rax, [rip + trap_frame]
  and eax, 15
  CHECK_EQ rax, 8, "stack alignment in a handler"
  mov qword ptr [rip + hooks + 0x80 * 8], 0

  # IST: the handler's stack is not the interrupted one.
  mov byte ptr [IDT + 6 * 16 + 4], 1
  FAULT 6, 0, "ud2 with IST", ud2
  CHECK_EQ [rip+trap_frame], IST1_STACK-40, "IST 1 is used"
  mov rax, rsp
  CHECK_SAME [rip+trap_rsp], rax, "rsp saved on IST"
  mov byte ptr [IDT + 6 * 16 + 4], 0

  # #NP while delivering #GP is a double fault.
  mov byte ptr [IDT + 13 * 16 + 5], 0x0e
  mov rax, 1 << 63
  FAULT 8, 0, "gate of #GP not present", mov rcx, [rax]
  mov byte ptr [IDT + 13 * 16 + 5], 0x8e

  # #MF, and #GP of SSE.
  mov rax, cr0
  or eax, 0x20
  mov cr0, rax
  fninit
  fnstcw [rip + control]
  and word ptr [rip + control], ~4      # Zero divide.
  fldcw [rip + control]
  fld1
  fdiv dword ptr [rip + zero]
  FAULT 16, 0, "x87 division by zero", fwait
  fnclex
  fninit
  FAULT 13, 0, "movaps that is not aligned", movaps xmm0, [FREE+1]
  ret

keep_rflags:
  pushfq
  pop rax
  and eax, 0x300
  mov [rip + seen_rflags], rax
  ret

.balign 8
seen_rflags: .quad -1
control: .quad 0
zero: .quad 0
