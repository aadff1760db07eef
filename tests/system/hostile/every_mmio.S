/* Writes and reads every page between the end of low RAM and 4 GiB in four widths, and in the pages of the
   interrupt chips every doubleword. The interrupt command register is left out: it can rightly reset this CPU. */
#include "exit.inc"

#define FIRST 0xc0000000
#define IO_APIC 0xfec00000
#define LOCAL_APIC 0xfee00000
#define INTERRUPT_COMMAND 0x300
#define STACK_TOP 0x200000

.globl _start
_start:
  mov $STACK_TOP, %esp
  mov $FIRST, %esi
  mov $1, %ebp
  shl $32, %rbp
page:
  mov $-1, %rax
  cmp $LOCAL_APIC, %esi
  je after
  mov %al, (%rsi)
  mov %ax, 8(%rsi)
  mov %eax, 16(%rsi)
  mov %rax, 24(%rsi)
  mov (%rsi), %al
  mov 8(%rsi), %ax
  mov 16(%rsi), %eax
  mov 24(%rsi), %rax
after:
  add $4096, %rsi
  cmp %rbp, %rsi
  jb page

  mov $IO_APIC, %esi
  call every_doubleword
  mov $LOCAL_APIC, %esi
  call every_doubleword
  end_with 7

every_doubleword:
  xor %ecx, %ecx
0:
  cmp $INTERRUPT_COMMAND, %ecx
  je 1f
  mov $-1, %eax
  mov %eax, (%rsi,%rcx)
  mov (%rsi,%rcx), %eax
1:
  add $4, %ecx
  cmp $4096, %ecx
  jb 0b
  ret
