/* Writes to the serial port as fast as it can, whether the port is ready or not. */
.globl _start
_start:
  mov $0x3f8, %dx
  mov $'A', %al
0: out %al, %dx
  jmp 0b
