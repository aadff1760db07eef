# Real mode: text through `lodsb`, a subroutine and the stack.
.intel_syntax noprefix
.code16
start:
  cld
  mov si, offset text
  call print
  xor al, al
  out 0xf4, al
  hlt
print:
  lodsb
  test al, al
  jz 1f
  out 0xe9, al
  jmp print
1:
  ret
text:
  .asciz "hello from real mode\n"
