# The two PICs and the PIT, through LINT0 of the LAPIC ("virtual wire").
.include "lib/cpu64.inc"
.include "lib/apic.inc"
main:
  call setup_cpu
  call setup_lapic
  call setup_pic
  mov eax, 0x700           # LINT0: ExtINT.
  mov [LAPIC_LINT0], eax
  HOOK 0x20, note_pic
  HOOK 0x23, note_pic
  HOOK 0x25, note_pic
  HOOK 0x2a, note_slave_pic

  # The mask registers read back.
  mov al, 0xdf             # Line 5 only.
  out 0x21, al
  xor eax, eax
  in al, 0x21
  CHECK_EQ rax, 0xdf, "mask reads back"

  # Nothing arrives while IF is clear, and what is pending arrives once it is set.
  RAISE 5
  nop
  CHECK_EQ [rip + arrived], 0, "IF is clear"
  mov al, 0x0a             # OCW3: read IRR.
  out 0x20, al
  xor eax, eax
  in al, 0x20
  and eax, 0x20
  CHECK_EQ rax, 0x20, "IRR has line 5"
  sti
  nop                      # sti holds interrupts off for one instruction.
after_sti:
  nop
  cli
  CHECK_EQ [rip + arrived], 1, "line 5 arrives"
  CHECK_EQ [rip + last_vector], 0x25, "vector of line 5"
  lea rax, [rip + after_sti]
  CHECK_SAME [rip + interrupted_rip], rax, "one instruction after sti"
  # An edge counts once, and the next edge again.
  WINDOW
  CHECK_EQ [rip + arrived], 1, "the level alone is no interrupt"
  LOWER 5
  RAISE 5
  WINDOW
  CHECK_EQ [rip + arrived], 2, "the next edge"
  LOWER 5
  # sti followed by cli leaves no gap.
  RAISE 5
  sti
  cli
  nop
  CHECK_EQ [rip + arrived], 2, "no gap between sti and cli"
  WINDOW
  LOWER 5
  CHECK_EQ [rip + arrived], 3, "but later"

  # A masked line waits for its mask.
  RAISE 3
  WINDOW
  CHECK_EQ [rip + arrived], 3, "line 3 is masked"
  mov al, 0xd7
  out 0x21, al
  WINDOW
  CHECK_EQ [rip + last_vector], 0x23, "line 3 is unmasked"
  LOWER 3

  # In service, a line holds off itself and lower ones, and lets higher ones in.
  HOOK 0x23, note
  HOOK 0x25, note
  mov qword ptr [rip + arrived], 0
  RAISE 5
  WINDOW
  CHECK_EQ [rip + arrived], 1, "line 5 in service"
  LOWER 5
  RAISE 5
  WINDOW
  CHECK_EQ [rip + arrived], 1, "line 5 waits for its EOI"
  RAISE 3
  WINDOW
  CHECK_EQ [rip + arrived], 2, "line 3 interrupts line 5"
  CHECK_EQ [rip + last_vector], 0x23, "line 3 interrupts line 5: vector"
  LOWER 3
  mov al, 0x0b             # OCW3: read ISR.
  out 0x20, al
  xor eax, eax
  in al, 0x20
  CHECK_EQ rax, 0x28, "ISR has lines 3 and 5"
  mov al, 0x20
  out 0x20, al
  WINDOW
  CHECK_EQ [rip + arrived], 2, "EOI of line 3 leaves line 5 in service"
  mov al, 0x20
  out 0x20, al
  WINDOW
  CHECK_EQ [rip + arrived], 3, "EOI of line 5 lets the next edge in"
  mov al, 0x20
  out 0x20, al
  LOWER 5

  # The second PIC, through line 2.
  mov al, 0xfb
  out 0x21, al
  mov al, 0xfb             # Line 10.
  out 0xa1, al
  RAISE 10
  sti
  hlt
after_hlt:
  cli
  LOWER 10
  CHECK_EQ [rip + last_vector], 0x2a, "line 10"
  lea rax, [rip + after_hlt]
  CHECK_SAME [rip + interrupted_rip], rax, "hlt after sti is reached, and left"

  # The PIT: one shot, then periodic.
  mov qword ptr [rip + arrived], 0
  mov al, 0xfe
  out 0x21, al
  mov al, 0x30             # Counter 0, both bytes, mode 0.
  out 0x43, al
  mov al, 0x00
  out 0x40, al
  mov al, 0x10             # 4096 ticks: 3.4 ms.
  out 0x40, al
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + arrived], 0
  je 1b
  CHECK_EQ [rip + last_vector], 0x20, "PIT, mode 0"
  mov al, 0x34             # Mode 2.
  out 0x43, al
  mov al, 0x00
  out 0x40, al
  mov al, 0x08
  out 0x40, al
  mov qword ptr [rip + arrived], 0
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + arrived], 3
  jb 1b
  # The counter goes down between 0x800 and 1.
  xor eax, eax
  out 0x43, al             # Latch counter 0.
  in al, 0x40
  mov ecx, eax
  in al, 0x40
  shl eax, 8
  or ecx, eax
  and ecx, 0xffff
  cmp ecx, 0x801
  CHECK_IF b, "PIT counter is below its start"
  mov al, 0x30
  out 0x43, al
  mov al, 0xff
  out 0x21, al

  # Counter 2 through port 0x61, with which kernels time the CPU.
  in al, 0x61
  and al, 0xfc
  or al, 1                 # Gate on, speaker off.
  out 0x61, al
  mov al, 0xb0             # Counter 2, mode 0.
  out 0x43, al
  mov al, 0x00
  out 0x42, al
  mov al, 0x04
  out 0x42, al
  in al, 0x61
  test al, 0x20
  CHECK_IF z, "counter 2 is not done at once"
1:
  in al, 0x61
  test al, 0x20
  jz 1b
  ret
