/* What every hostile guest ends with, if it comes to its end: a status at the exit port. */
#define EXIT_PORT 0xf4

.macro end_with status
  mov $\status, %al
  out %al, $EXIT_PORT
0: hlt
  jmp 0b
.endm
