# IN and OUT of all sizes and both forms, and their string forms.
.include "lib/start64.inc"
main:
  mov edx, PORT_ECHO
  mov eax, 0x11223344
  out dx, eax
  mov rax, 0x5555555555555555
  in al, dx
  CHECK_EQ rax, 0x5555555555555544, "in al keeps the rest of rax"
  inc edx
  mov rax, 0x5555555555555555
  in ax, dx
  CHECK_EQ rax, 0x5555555555552233, "in ax keeps the rest of rax"
  dec edx
  mov rax, 0x5555555555555555
  in eax, dx
  CHECK_EQ rax, 0x11223344, "in eax clears the upper half of rax"
  mov al, 0x99
  out dx, al
  in eax, dx
  CHECK_EQ rax, 0x11223399, "out al writes one byte"
  mov eax, 0xbeef
  out dx, ax
  in eax, dx
  CHECK_EQ rax, 0x1122beef, "out ax writes two bytes"
  mov eax, -1
  in al, 0x61 + 0x10
  CHECK_EQ rax, 0xffffffff, "a port without a device reads as ones"

  lea rsi, [rip + source]
  mov ecx, 3
  cld
  rep outsd
  CHECK_EQ rcx, 0, "rep outsd: count"
  lea rax, [rip + source + 12]
  CHECK_SAME rsi, rax, "rep outsd: rsi"
  in eax, dx
  CHECK_EQ rax, 0x33333333, "rep outsd: the last piece stays"

  mov edi, FREE
  mov ecx, 5
  rep insw
  CHECK_EQ rcx, 0, "rep insw: count"
  CHECK_EQ rdi, FREE+10, "rep insw: rdi"
  mov edi, FREE
  CHECK_EQ [rdi], 0x3333333333333333, "rep insw: data"
  movzx eax, word ptr [rdi + 8]
  CHECK_EQ rax, 0x3333, "rep insw: last piece"
  movzx eax, word ptr [rdi + 10]
  CHECK_EQ rax, 0, "rep insw: not more than asked for"

  std
  mov edi, FREE + 0x107
  mov ecx, 8
  rep insb
  cld
  CHECK_EQ rdi, FREE+0xff, "rep insb backwards: rdi"
  mov edi, FREE + 0x100
  CHECK_EQ [rdi], 0x3333333333333333, "rep insb backwards: data"
  ret
source:
  .long 0x11111111, 0x22222222, 0x33333333
