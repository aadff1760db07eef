# What hardware does and QEMU's TCG does not: not run where TCG is underneath.
.include "lib/cpu64.inc"
.set PT, 0x89000
.set AREA, 0x40000000
main:
  call setup_cpu
  TRAP_AFTER 1, "int1", .byte 0xf1

  mov rax, cr0
  or eax, 0x10000          # WP
  mov cr0, rax
  mov qword ptr [PD + 0x1000], PT + 3
  mov qword ptr [PT + 8], FREE + 1
  mov rax, cr3
  mov cr3, rax
  FAULT 14, 2, "read-modify-write of a page not present", add dword ptr [AREA], 1
  FAULT 14, 3, "cmpxchg that does not store still needs to write", cmpxchg [AREA + 0x1000], rcx
  mov rax, FREE + 3 + (1 << 51)
  mov [PT + 16], rax
  FAULT 14, 9, "reserved bit, read", mov rax, [AREA + 0x2000]
  FAULT 14, 0xb, "reserved bit, write", mov [AREA + 0x2000], rax
  mov qword ptr [PD + 0x1010], 0x202000 + 0x83
  FAULT 14, 9, "2 MiB page that is not aligned", mov rax, [AREA + 0x400000]

  mov ecx, 0xc0000100      # FS base
  xor eax, eax
  mov edx, 0x80000000
  FAULT 13, 0, "base that is not canonical", wrmsr
  mov ecx, 0x277           # PAT
  mov edx, 0
  mov eax, 2
  FAULT 13, 0, "reserved memory type in PAT", wrmsr
  mov eax, 16
  FAULT 13, 0, "CR8 above 15", mov cr8, rax

  mov eax, 3
  FAULT 13, 0, "null stack segment of ring 3", mov ss, eax
  xor eax, eax
  FAULT 13, 0, "ltr of the null selector", ltr ax

  # A gate that is not there: #NP or #GP with the IDT bit and the vector.
  mov byte ptr [IDT + 0x90 * 16 + 5], 0x0e
  FAULT 11, 0x90*8+2, "gate not present", int 0x90
  mov byte ptr [IDT + 0x90 * 16 + 5], 0x80
  FAULT 13, 0x90*8+2, "gate of no type", int 0x90
  mov byte ptr [IDT + 0x90 * 16 + 5], 0x8e
  mov word ptr [rip + idt_pointer], 0x80 * 16 - 1
  lidt [rip + idt_pointer]
  FAULT 13, 0x90*8+2, "vector beyond the IDT", int 0x90
  mov word ptr [rip + idt_pointer], 4095
  lidt [rip + idt_pointer]
  # The error code has a bit for what happens while an exception, not an instruction, is delivered.
  mov byte ptr [IDT + 6 * 16 + 5], 0x0e
  FAULT 11, 6*8+3, "gate of #UD not present", ud2

  mov rax, cr4
  bts rax, 40
  FAULT 13, 0, "reserved bit of CR4", mov cr4, rax

  # General detect: DR7.GD makes any access to a debug register a fault, and is cleared by it.
  mov eax, 0x2400
  mov dr7, rax
  FAULT 1, 0, "general detect", mov rax, dr0
  mov rax, dr6
  and eax, 0xe00f
  CHECK_EQ rax, 0x2000, "DR6.BD"
  mov rax, dr7
  and eax, 0x2000
  CHECK_EQ rax, 0, "GD is cleared"

  # #SS(0): the stack segment's form of not canonical.
  mov rbx, rbp
  mov rbp, 1 << 63
  FAULT 12, 0, "not canonical through rbp", mov rcx, [rbp]
  mov rbp, rbx

  # CPUID follows XCR0.
  mov eax, 1
  cpuid
  and ecx, 0x14000000      # XSAVE and AVX
  cmp ecx, 0x14000000
  jne 1f
  mov rax, cr4
  bts rax, 18
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  mov eax, 0xd
  xor ecx, ecx
  cpuid
  CHECK_EQ rbx, 832, "size of the area with AVX"
  mov rax, cr0
  or eax, 8                # TS
  mov cr0, rax
  mov eax, 7
  xor edx, edx
  FAULT 7, 0, "xsave with TS", xsave [FREE]
  clts
1:

  mov dword ptr [rip + control], 0x1f80 & ~0x200
  ldmxcsr [rip + control]
  xorps xmm1, xmm1
  mov eax, 0x3f800000
  movd xmm0, eax
  FAULT 19, 0, "SSE division by zero", divss xmm0, xmm1
  mov dword ptr [rip + control], 0x1f80
  ldmxcsr [rip + control]
  mov dword ptr [rip + control], 0x10000
  FAULT 13, 0, "reserved bit of MXCSR", ldmxcsr [rip+control]
  ret

.balign 8
control: .quad 0
