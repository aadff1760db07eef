# Every kind of instruction that guests use on device memory.
.include "lib/start64.inc"
main:
  mov ebx, MMIO
  mov rax, 0x1122334455667788
  mov [rbx], rax
  CHECK_EQ [rbx], 0x1122334455667788, "8 bytes"
  mov eax, [rbx]
  CHECK_EQ rax, 0x55667788, "4 bytes"
  mov rax, -1
  mov ax, [rbx + 2]
  CHECK_EQ rax, 0xffffffffffff5566, "2 bytes"
  mov rax, -1
  mov al, [rbx + 7]
  CHECK_EQ rax, 0xffffffffffffff11, "1 byte"
  mov byte ptr [rbx + 1], 0xaa
  mov word ptr [rbx + 2], 0xbbbb
  mov dword ptr [rbx + 4], 0xcccccccc
  CHECK_EQ [rbx], 0xccccccccbbbbaa88, "immediates"
  movzx eax, byte ptr [rbx]
  CHECK_EQ rax, 0x88, "movzx"
  movsx rax, byte ptr [rbx]
  CHECK_EQ rax, 0xffffffffffffff88, "movsx"
  movsxd rax, dword ptr [rbx + 4]
  CHECK_EQ rax, 0xffffffffcccccccc, "movsxd"
  mov eax, 5
  mov [rbx + 16], eax
  add dword ptr [rbx + 16], 7
  mov eax, [rbx + 16]
  CHECK_EQ rax, 12, "add to memory"
  or dword ptr [rbx + 16], 0x100
  and dword ptr [rbx + 16], 0xff0f
  mov eax, [rbx + 16]
  CHECK_EQ rax, 0x10c, "or and and"
  mov eax, 0x77
  xchg [rbx + 16], eax
  CHECK_EQ rax, 0x10c, "xchg: old"
  mov eax, [rbx + 16]
  CHECK_EQ rax, 0x77, "xchg: new"
  test dword ptr [rbx + 16], 0x70
  CHECK_IF nz, "test"
  cmp dword ptr [rbx + 16], 0x78
  CHECK_IF b, "cmp"
  mov rax, [0xd0000010]
  mov rcx, 0x77
  CHECK_SAME rax, rcx, "absolute address"

  # Into device memory and out of it.
  lea rsi, [rip + text]
  mov edi, MMIO + 0x20
  mov ecx, 16
  cld
  rep movsb
  CHECK_EQ rcx, 0, "rep movsb to a device: count"
  mov esi, MMIO + 0x20
  mov edi, FREE
  mov ecx, 4
  rep movsd
  CHECK_EQ rsi, MMIO+0x30, "rep movsd from a device: rsi"
  mov edi, FREE
  mov rax, [rip + text]
  CHECK_SAME [rdi], rax, "rep movsd from a device: first half"
  mov rax, [rip + text + 8]
  CHECK_SAME [rdi+8], rax, "rep movsd from a device: second half"
  mov edi, MMIO + 0x40
  mov rax, 0x0101010101010101
  mov ecx, 2
  rep stosq
  CHECK_EQ [rbx+0x48], 0x0101010101010101, "rep stosq"

  # Over the end of the register file there is nothing.
  mov eax, [rbx + 0x100]
  CHECK_EQ rax, 0xffffffff, "no device"
  ret
text:
  .ascii "sixteen letters."
