/* An exception without a table to handle it, and none for the fault that follows from that. */
.globl _start
_start:
  lidt empty_table(%rip)
  ud2

empty_table:
  .word 0
  .quad 0
