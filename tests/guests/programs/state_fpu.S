# As state.S, for x87, SSE and, where it is offered, AVX.
.include "lib/cpu64.inc"
.set PORT_MOVE, 0xf6
main:
  call setup_cpu
  mov eax, 1
  xor ecx, ecx
  cpuid
  and ecx, 0x14000000      # XSAVE and AVX
  xor ebp, ebp
  cmp ecx, 0x14000000
  jne 1f
  mov rax, cr4
  bts rax, 18
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  mov ebp, 1
1:
  mov rax, 0x1122334455667788
  mov [FREE], rax
  not rax
  mov [FREE + 8], rax
  movups xmm0, [FREE]
  movaps xmm15, xmm0
  test ebp, ebp
  jz 1f
  vinsertf128 ymm7, ymm0, xmm0, 1
1:
  mov dword ptr [FREE + 16], 0x3f80
  ldmxcsr [FREE + 16]
  fninit
  mov word ptr [FREE + 16], 0x27f
  fldcw [FREE + 16]
  fldpi
  fld1
  out PORT_MOVE, al
  # Here the machine is another one.
  movups [FREE + 32], xmm15
  CHECK_EQ [FREE+32], 0x1122334455667788, "xmm15, low"
  CHECK_EQ [FREE+40], 0xeeddccbbaa998877, "xmm15, high"
  test ebp, ebp
  jz 1f
  vextractf128 xmm1, ymm7, 1
  movups [FREE + 32], xmm1
  CHECK_EQ [FREE+32], 0x1122334455667788, "upper half of ymm7"
  xor ecx, ecx
  xgetbv
  CHECK_EQ rax, 7, "XCR0"
1:
  stmxcsr [FREE + 16]
  mov eax, [FREE + 16]
  CHECK_EQ rax, 0x3f80, "MXCSR"
  fnstcw [FREE + 16]
  movzx eax, word ptr [FREE + 16]
  CHECK_EQ rax, 0x27f, "x87 control word"
  fstp qword ptr [FREE + 16]
  CHECK_EQ [FREE+16], 0x3ff0000000000000, "st0"
  fstp qword ptr [FREE + 16]
  CHECK_EQ [FREE+16], 0x400921fb54442d18, "st1"
  ret
