# Guest code of the KVM probe: see kvm_probe_guests.h. It runs at another address than it is linked
# at, so all references are relative to rip.

  .intel_syntax noprefix
  .section .rodata
  .set RESULT_PORT, 0xf4
  .set EXCEPTION_PORT, 0xf5
  .set SCRATCH, 0xc000

.macro ENTRY name
  .globl \name
  .hidden \name
\name:
.endm

.macro NEEDS_ECX bit     # A feature in ecx of CPUID 1.
  mov eax, 1
  xor ecx, ecx
  cpuid
  bt ecx, \bit
  jnc not_offered
.endm

  .balign 16
ENTRY bh_probe_code

ENTRY bh_probe_loop
1:
  dec rcx
  jnz 1b
works:
  xor eax, eax
  out RESULT_PORT, al
wrong_result:
  mov al, 1
  out RESULT_PORT, al
not_offered:
  mov al, 2
  out RESULT_PORT, al

# 32 handlers of 8 bytes. #BP counts in rdx and goes on.
  .balign 16
ENTRY bh_probe_handlers
  .set vector, 0
  .rept 32
  .balign 8
  .if vector == 3
    inc rdx
    iretq
  .else
    mov al, vector
    out EXCEPTION_PORT, al
    hlt
  .endif
  .set vector, vector + 1
  .endr

  .balign 8
ENTRY bh_probe_int3
  xor edx, edx
  int3
  cmp rdx, 1
  jne wrong_result
  jmp works

# XCR0 and a save and restore of x87 and SSE state, as a kernel does at its first task switch.
ENTRY bh_probe_xsave
  NEEDS_ECX 26
  mov rax, cr4
  or eax, 1 << 18        # OSXSAVE
  mov cr4, rax
  xor ecx, ecx
  xgetbv
  or eax, 3
  xsetbv
  mov edi, SCRATCH
  mov eax, 3
  xor edx, edx
  xsave [rdi]
  mov eax, 3
  xor edx, edx
  xrstor [rdi]
  jmp works

ENTRY bh_probe_popcnt
  NEEDS_ECX 23
  mov eax, 0x80f00001
  popcnt eax, eax
  cmp eax, 6
  jne wrong_result
  jmp works

ENTRY bh_probe_smap
  xor eax, eax
  xor ecx, ecx
  cpuid
  cmp eax, 7
  jb not_offered
  mov eax, 7
  xor ecx, ecx
  cpuid
  bt ebx, 20
  jnc not_offered
  stac
  pushfq
  pop rax
  clac
  pushfq
  pop rcx
  bt eax, 18             # AC
  jnc wrong_result
  bt ecx, 18
  jc wrong_result
  jmp works

ENTRY bh_probe_cmpxchg16b
  NEEDS_ECX 13
  mov edi, SCRATCH
  mov qword ptr [rdi], 5
  mov qword ptr [rdi + 8], 6
  mov eax, 5
  mov edx, 6
  mov ebx, 7
  mov ecx, 8
  lock cmpxchg16b [rdi]
  jne wrong_result
  cmp qword ptr [rdi], 7
  jne wrong_result
  cmp qword ptr [rdi + 8], 8
  jne wrong_result
  jmp works

ENTRY bh_probe_ldmxcsr
  mov edi, SCRATCH
  mov dword ptr [rdi], 0x3f80
  ldmxcsr [rdi]
  mov dword ptr [rdi], 0
  stmxcsr [rdi]
  cmp dword ptr [rdi], 0x3f80
  jne wrong_result
  jmp works

ENTRY bh_probe_fwait
  fwait
  jmp works

ENTRY bh_probe_xorps
  mov edi, SCRATCH
  mov qword ptr [rdi], -1
  xorps xmm0, xmm0
  movups [rdi], xmm0
  cmp qword ptr [rdi], 0
  jne wrong_result
  jmp works

ENTRY bh_probe_code_end

  .section .note.GNU-stack,"",@progbits
