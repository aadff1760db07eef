/* Turns for ever with interrupts off. */
.globl _start
_start:
  cli
0: jmp 0b
