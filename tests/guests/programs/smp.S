# A second CPU: INIT and SIPI, locked counters, a lock, IPIs in both directions, a TLB shoot-down.
.include "lib/cpu64.inc"
.include "lib/apic.inc"
.set TRAMPOLINE, 0x6f000   # SIPI vector 0x6f.
.set STACK_1, 0x6e000
.set TURNS, 20000
.set PT, 0x89000
.set AREA, 0x40000000

main:
  call setup_cpu
  call setup_pic
  call setup_lapic
  HOOK 0x50, note_lapic
  HOOK 0x51, on_other
  mov esi, offset trampoline
  mov edi, TRAMPOLINE
  mov ecx, trampoline_end - trampoline
  cld
  rep movsb
  mov qword ptr [PD + 0x1000], PT + 3
  mov qword ptr [PT], FREE + 3
  mov qword ptr [FREE], 0x1111
  mov qword ptr [FREE + 0x1000], 0x2222
  mov rax, cr3
  mov cr3, rax

  mov eax, 0x01000000
  mov [LAPIC_ICR_HIGH], eax
  mov eax, 0x4500          # INIT
  mov [LAPIC_ICR], eax
  mov eax, 0x4600 + (TRAMPOLINE >> 12)
  mov [LAPIC_ICR], eax
1:
  pause
  cmp qword ptr [rip + other_up], 0
  je 1b
  CHECK_EQ [rip + other_id], 1, "APIC id of the second CPU"
  CHECK_EQ [rip + other_cpuid], 1, "APIC id in its CPUID"
  CHECK_EQ [rip + other_base], 0xfee00800, "its APIC base: enabled, not the first"
  CHECK_EQ [rip + other_cs], TRAMPOLINE>>4, "cs after SIPI"

  # Both count with lock add, and under a lock of xchg.
  mov qword ptr [rip + go], 1
  call count
1:
  pause
  cmp qword ptr [rip + other_counted], 0
  je 1b
  CHECK_EQ [rip + locked_counter], 2*TURNS, "lock add on two CPUs"
  CHECK_EQ [rip + guarded_counter], 2*TURNS, "a counter under a lock"
  CHECK_EQ [rip + cmpxchg_counter], 2*TURNS, "lock cmpxchg on two CPUs"

  # An IPI wakes the other from hlt; it answers with one.
  mov qword ptr [rip + arrived], 0
  mov eax, 0x4051
  mov [LAPIC_ICR], eax
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + arrived], 0
  je 1b
  CHECK_EQ [rip + last_vector], 0x50, "answer of the second CPU"
  CHECK_EQ [rip + other_saw], 0x1111, "the second CPU's view of a page"
  # TLB shoot-down: after our write and its invlpg it must see the other frame.
  mov qword ptr [PT], FREE + 0x1000 + 3
  mov qword ptr [rip + arrived], 0
  mov eax, 0x4051
  mov [LAPIC_ICR], eax
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + arrived], 0
  je 1b
  CHECK_EQ [rip + other_saw], 0x2222, "the second CPU's view after a shoot-down"
  # INIT stops it; it can be started again.
  mov qword ptr [rip + other_up], 0
  mov eax, 0x4500
  mov [LAPIC_ICR], eax
  mov eax, 0x4600 + (TRAMPOLINE >> 12)
  mov [LAPIC_ICR], eax
1:
  pause
  cmp qword ptr [rip + other_up], 0
  je 1b
  ret

# Runs on both. Changes rax, rcx, rdx.
count:
  mov ecx, TURNS
1:
  lock add qword ptr [rip + locked_counter], 1
  # A lock that only one can hold.
2:
  mov eax, 1
  xchg [rip + lock_word], eax
  test eax, eax
  jz 3f
  pause
  jmp 2b
3:
  inc qword ptr [rip + guarded_counter]
  mov dword ptr [rip + lock_word], 0
  mov rax, [rip + cmpxchg_counter]
4:
  lea rdx, [rax + 1]
  lock cmpxchg [rip + cmpxchg_counter], rdx
  jne 4b
  dec ecx
  jnz 1b
  ret

# The second CPU, in long mode.
other_main:
  lidt [rip + idt_pointer]
  mov esp, STACK_1
  call setup_lapic
  mov eax, [LAPIC_ID]
  shr eax, 24
  mov [rip + other_id], rax
  mov eax, 1
  cpuid
  shr ebx, 24
  mov [rip + other_cpuid], rbx
  mov ecx, 0x1b
  rdmsr
  and eax, 0xfffff900
  mov [rip + other_base], rax
  mov qword ptr [rip + other_up], 1
1:
  pause
  cmp qword ptr [rip + go], 0
  je 1b
  call count
  mov qword ptr [rip + other_counted], 1
1:
  sti
  hlt
  jmp 1b

# Interrupt on the second CPU; it alone takes traps while the first one sleeps.
on_other:
  invlpg [AREA]
  mov rax, [AREA]
  mov [rip + other_saw], rax
  xor eax, eax
  mov [LAPIC_EOI], eax
  mov [LAPIC_ICR_HIGH], eax
  mov eax, 0x4050
  mov [LAPIC_ICR], eax
  ret

.balign 16
.code16
trampoline:
  cli
  mov ax, cs
  mov ds, ax
  mov bx, ax
  lgdt [trampoline_gdt_pointer - trampoline]
  mov eax, 0x6a0           # PAE PGE OSFXSR OSXMMEXCPT
  mov cr4, eax
  mov eax, PML4
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, 0x80000033
  mov cr0, eax
  .byte 0x66, 0xea
  .long trampoline64
  .word KERNEL_CODE
.balign 8
trampoline_gdt_pointer:
  .word GDT_END - 1
  .long gdt
trampoline_end:
.code64
trampoline64:
  mov eax, KERNEL_DATA
  mov ds, eax
  mov es, eax
  mov ss, eax
  movzx ebx, bx
  mov [rip + other_cs], rbx
  jmp other_main

.balign 8
go: .quad 0
other_up: .quad 0
other_id: .quad -1
other_cpuid: .quad -1
other_base: .quad 0
other_cs: .quad 0
other_counted: .quad 0
other_saw: .quad 0
.balign 64
locked_counter: .quad 0
guarded_counter: .quad 0
cmpxchg_counter: .quad 0
lock_word: .quad 0
