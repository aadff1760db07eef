# The IOAPIC: redirection, edge and level, masks, remote IRR.
.include "lib/cpu64.inc"
.include "lib/apic.inc"

# Redirects \pin to vector and flags \low, on CPU 0. Changes rax.
.macro REDIRECT pin, low
  mov eax, 0x11 + 2 * \pin
  mov [IOAPIC_INDEX], eax
  xor eax, eax
  mov [IOAPIC_DATA], eax
  mov eax, 0x10 + 2 * \pin
  mov [IOAPIC_INDEX], eax
  mov eax, \low
  mov [IOAPIC_DATA], eax
.endm
.set LEVEL, 0x8000

main:
  call setup_cpu
  call setup_pic
  call setup_lapic
  HOOK 0x51, note_lapic
  HOOK 0x61, note_lapic
  HOOK 0x71, note_lapic

  mov eax, 1
  mov [IOAPIC_INDEX], eax
  mov eax, [IOAPIC_DATA]
  shr eax, 16
  and eax, 0xff
  CHECK_EQ rax, 23, "24 pins"
  REDIRECT 5, 0x51
  mov eax, [IOAPIC_DATA]
  and eax, 0x1ffff
  CHECK_EQ rax, 0x51, "an entry reads back"

  # Edge.
  RAISE 5
  WINDOW
  CHECK_EQ [rip + arrived], 1, "edge"
  CHECK_EQ [rip + last_vector], 0x51, "edge: vector"
  WINDOW
  CHECK_EQ [rip + arrived], 1, "edge: once"
  LOWER 5
  WINDOW
  CHECK_EQ [rip + arrived], 1, "edge: not on the way down"
  RAISE 5
  LOWER 5
  WINDOW
  CHECK_EQ [rip + arrived], 2, "edge: kept after the line went down"
  REDIRECT 5, 0x51+MASKED
  RAISE 5
  WINDOW
  CHECK_EQ [rip + arrived], 2, "masked"
  LOWER 5

  # Level: again after each EOI, for as long as the line is high.
  mov qword ptr [rip + arrived], 0
  HOOK 0x61, level
  mov dword ptr [rip + level_turns], 3
  REDIRECT 10, 0x61+LEVEL
  RAISE 10
  WINDOW
  WINDOW
  WINDOW
  WINDOW
  CHECK_EQ [rip + arrived], 3, "level: until the line goes down"
  # Remote IRR shows that the EOI is still to come.
  HOOK 0x61, note
  mov qword ptr [rip + arrived], 0
  RAISE 10
  WINDOW
  CHECK_EQ [rip + arrived], 1, "level: in service"
  mov eax, [IOAPIC_DATA]
  and eax, 0x4000
  CHECK_EQ rax, 0x4000, "remote IRR is set"
  WINDOW
  CHECK_EQ [rip + arrived], 1, "level: not again before its EOI"
  LOWER 10
  xor eax, eax
  mov [LAPIC_EOI], eax
  mov eax, [IOAPIC_DATA]
  and eax, 0x4000
  CHECK_EQ rax, 0, "remote IRR is clear"
  WINDOW
  CHECK_EQ [rip + arrived], 1, "level: not when the line is down"
  # A level that is there when the mask goes arrives.
  REDIRECT 10, 0x61+LEVEL+MASKED
  HOOK 0x61, level
  mov dword ptr [rip + level_turns], 1
  RAISE 10
  WINDOW
  CHECK_EQ [rip + arrived], 1, "level: masked"
  REDIRECT 10, 0x61+LEVEL
  WINDOW
  CHECK_EQ [rip + arrived], 2, "level: unmasked"

  # A pin above the PICs', and waking from hlt.
  mov qword ptr [rip + arrived], 0
  REDIRECT 20, 0x71
  RAISE 20
  sti
  hlt
  cli
  LOWER 20
  CHECK_EQ [rip + last_vector], 0x71, "pin 20"
  # The PIT is line 0, and reaches pin 2.
  REDIRECT 2, 0x51
  mov qword ptr [rip + last_vector], 0
  mov al, 0x30             # Counter 0, both bytes, mode 0.
  out 0x43, al
  mov al, 0x00
  out 0x40, al
  mov al, 0x08
  out 0x40, al
1:
  sti
  hlt
  cli
  cmp qword ptr [rip + last_vector], 0x51
  jne 1b
  REDIRECT 2, MASKED

  # A destination that no CPU has.
  REDIRECT 20, 0x71
  mov eax, 0x11 + 2 * 20
  mov [IOAPIC_INDEX], eax
  mov eax, 0x0e000000
  mov [IOAPIC_DATA], eax
  mov qword ptr [rip + arrived], 0
  RAISE 20
  WINDOW
  CHECK_EQ [rip + arrived], 0, "nobody's interrupt"
  LOWER 20
  ret

# Lowers the line in the last of level_turns turns.
level:
  dec dword ptr [rip + level_turns]
  jnz 1f
  LOWER 10
1:
  jmp note_lapic
.balign 8
level_turns: .quad 0
