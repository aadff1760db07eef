.include "lib/start64.inc"
main:
  lea rsi, [rip + text]
  jmp print
text:
  .asciz "hello from long mode\n"
