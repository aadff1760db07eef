/* Writes and reads every I/O port in all three widths, with all bits set and with none. Left out are the
   exit port and 0x64, whose commands reset the machine; what is wider than a byte starts one to three
   ports below another. */
#include "exit.inc"

.globl _start
_start:
  mov $-1, %ebx
pass:
  xor %edx, %edx
port:
  cmp $EXIT_PORT - 3, %edx
  jb try
  cmp $EXIT_PORT, %edx
  jbe next
try:
  cmp $0x64, %edx
  je next
  cmp $0x61, %edx
  jb wide
  cmp $0x64, %edx
  jb narrow
wide:
  mov %ebx, %eax
  out %ax, %dx
  mov %ebx, %eax
  out %eax, %dx
  in %dx, %ax
  in %dx, %eax
narrow:
  mov %ebx, %eax
  out %al, %dx
  in %dx, %al
next:
  inc %edx
  cmp $0x10000, %edx
  jb port
  inc %ebx
  jz pass
  end_with 7
