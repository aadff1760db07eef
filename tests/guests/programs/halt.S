# Without interrupt chips HLT comes back to the monitor.
.include "lib/start64.inc"
main:
  hlt
  mov al, 1
  out PORT_EXIT, al
