# The LAPIC: timer, IPIs to itself, priorities, NMI, x2APIC and TSC deadline.
.include "lib/cpu64.inc"
.include "lib/apic.inc"
main:
  call setup_cpu
  call setup_pic
  mov ecx, 0x1b            # APIC base
  rdmsr
  and eax, 0xfffff900
  CHECK_EQ rax, 0xfee00900, "APIC base: place, enabled, first CPU"
  call setup_lapic
  mov eax, [LAPIC_ID]
  CHECK_EQ rax, 0, "APIC id"
  mov eax, [LAPIC_VERSION]
  and eax, 0xf0
  CHECK_EQ rax, 0x10, "an integrated APIC"
  mov eax, 1
  cpuid
  shr ebx, 24
  CHECK_EQ rbx, 0, "APIC id in CPUID"
  HOOK 0x40, note_lapic
  HOOK 0x50, note_lapic
  HOOK 0x60, note_lapic

  # The timer: one shot.
  mov eax, 0x0b            # Divide by 1.
  mov [LAPIC_DIVIDE], eax
  mov eax, 0x40
  mov [LAPIC_TIMER], eax
  mov eax, 1000000
  mov [LAPIC_INITIAL], eax
1:
  sti
  hlt
after_hlt:
  cli
  cmp qword ptr [rip + arrived], 0
  je 1b
  CHECK_EQ [rip + arrived], 1, "one-shot timer"
  CHECK_EQ [rip + last_vector], 0x40, "one-shot timer: vector"
  mov eax, [LAPIC_CURRENT]
  CHECK_EQ rax, 0, "one-shot timer: counted to zero"
  # Periodic.
  mov eax, 0x20040
  mov [LAPIC_TIMER], eax
  mov eax, 500000
  mov [LAPIC_INITIAL], eax
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + arrived], 4
  jb 1b
  mov eax, [LAPIC_CURRENT]
  cmp eax, 500001
  CHECK_IF b, "periodic timer: counts"
  # Stopped by a count of 0.
  xor eax, eax
  mov [LAPIC_INITIAL], eax
  mov eax, [LAPIC_CURRENT]
  CHECK_EQ rax, 0, "stopped timer"
  WINDOW
  mov eax, MASKED
  mov [LAPIC_TIMER], eax

  # An IPI to itself.
  mov qword ptr [rip + arrived], 0
  mov eax, 0x40050         # Shorthand: self.
  mov [LAPIC_ICR], eax
  mov eax, [LAPIC_IRR + 0x20]
  CHECK_EQ rax, 0x10000, "IRR has vector 0x50"
  CHECK_EQ [rip + arrived], 0, "IF is clear"
  WINDOW
  CHECK_EQ [rip + last_vector], 0x50, "IPI to itself"
  mov eax, [LAPIC_IRR + 0x20]
  CHECK_EQ rax, 0, "IRR is empty again"
  # The same with a destination.
  xor eax, eax
  mov [LAPIC_ICR_HIGH], eax
  mov eax, 0x4050
  mov [LAPIC_ICR], eax
  mov eax, [LAPIC_ICR]
  and eax, 0x1000
  CHECK_EQ rax, 0, "the IPI is sent"
  WINDOW
  CHECK_EQ [rip + arrived], 2, "IPI to its own id"

  # In service: holds off its class and lower ones until EOI.
  HOOK 0x50, note
  mov qword ptr [rip + arrived], 0
  mov eax, 0x40050
  mov [LAPIC_ICR], eax
  WINDOW
  mov eax, [LAPIC_ISR + 0x20]
  CHECK_EQ rax, 0x10000, "ISR has vector 0x50"
  mov eax, 0x40040
  mov [LAPIC_ICR], eax
  WINDOW
  CHECK_EQ [rip + arrived], 1, "a lower vector waits"
  mov eax, 0x40060
  mov [LAPIC_ICR], eax
  WINDOW
  CHECK_EQ [rip + arrived], 2, "a higher vector does not"
  CHECK_EQ [rip + last_vector], 0x60, "a higher vector does not: which"
  xor eax, eax
  mov [LAPIC_EOI], eax
  WINDOW
  CHECK_EQ [rip + last_vector], 0x40, "the lower vector after EOI"

  # TPR, by CR8 and by its register.
  mov qword ptr [rip + arrived], 0
  mov eax, 5
  mov cr8, rax
  mov eax, [LAPIC_TPR]
  CHECK_EQ rax, 0x50, "CR8 is the TPR"
  HOOK 0x50, note_lapic
  mov eax, 0x40050
  mov [LAPIC_ICR], eax
  WINDOW
  CHECK_EQ [rip + arrived], 0, "TPR holds off its class"
  mov eax, 0x40060
  mov [LAPIC_ICR], eax
  WINDOW
  CHECK_EQ [rip + last_vector], 0x60, "TPR lets a higher class in"
  mov eax, 0x40
  mov [LAPIC_TPR], eax
  mov rax, cr8
  CHECK_EQ rax, 4, "the TPR is CR8"
  WINDOW
  CHECK_EQ [rip + last_vector], 0x50, "a lower TPR lets it in"
  xor eax, eax
  mov cr8, rax

  # NMI, in spite of IF. A second one waits for iretq.
  HOOK 2, nmi
  mov qword ptr [rip + arrived], 0
  xor eax, eax
  mov [LAPIC_ICR_HIGH], eax
  mov eax, 0x4400
  mov [LAPIC_ICR], eax
  mov ecx, 1000
1:
  pause
  cmp qword ptr [rip + arrived], 2
  je 2f
  dec ecx
  jnz 1b
2:
  CHECK_EQ [rip + arrived], 2, "both NMIs"
  CHECK_EQ [rip + deepest], 1, "no NMI in an NMI"

  # TSC deadline, where CPUID has it.
  mov eax, 1
  cpuid
  mov ebp, ecx
  bt ebp, 24
  jnc no_deadline
  mov qword ptr [rip + arrived], 0
  mov eax, 0x40040
  mov [LAPIC_TIMER], eax
  mfence
  rdtsc
  shl rdx, 32
  or rax, rdx
  add rax, 1000000
  mov rdx, rax
  shr rdx, 32
  mov ecx, 0x6e0
  wrmsr
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + arrived], 0
  je 1b
  mov ecx, 0x6e0
  rdmsr
  CHECK_EQ rax, 0, "the deadline is zero once it passed"
  CHECK_EQ [rip + last_vector], 0x40, "TSC deadline"
  mov eax, MASKED
  mov [LAPIC_TIMER], eax
no_deadline:

  # x2APIC, where CPUID has it.
  bt ebp, 21
  jnc no_x2apic
  mov ecx, 0x802
  FAULT 13, 0, "x2APIC registers before it is on", rdmsr
  mov ecx, 0x1b
  rdmsr
  or eax, 0x400
  wrmsr
  mov ecx, 0x802
  rdmsr
  CHECK_EQ rax, 0, "x2APIC id"
  mov qword ptr [rip + arrived], 0
  HOOK 0x50, note_x2apic
  mov ecx, 0x83f           # Self IPI.
  mov eax, 0x50
  xor edx, edx
  wrmsr
  WINDOW
  CHECK_EQ [rip + last_vector], 0x50, "x2APIC self IPI"
  mov ecx, 0x830
  mov eax, 0x4050
  xor edx, edx
  wrmsr
  WINDOW
  CHECK_EQ [rip + arrived], 2, "x2APIC IPI by id"
no_x2apic:
  ret

note_x2apic:
  call note
  push rcx
  push rdx
  mov ecx, 0x80b
  xor eax, eax
  xor edx, edx
  wrmsr
  pop rdx
  pop rcx
  ret

nmi:
  call note
  inc qword ptr [rip + depth]
  mov rax, [rip + depth]
  cmp rax, [rip + deepest]
  jbe 1f
  mov [rip + deepest], rax
1:
  cmp qword ptr [rip + arrived], 1
  jne 3f
  mov eax, 0x4400          # Once more, to itself.
  mov [LAPIC_ICR], eax
  mov ebx, 100
2:
  pause
  dec ebx
  jnz 2b
3:
  dec qword ptr [rip + depth]
  ret

.balign 8
depth: .quad 0
deepest: .quad 0
