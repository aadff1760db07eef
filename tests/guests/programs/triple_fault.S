# No IDT: #UD, then #GP while delivering it, then #DF, then shutdown.
.include "lib/start64.inc"
main:
  ud2
  mov al, 1
  out PORT_EXIT, al
