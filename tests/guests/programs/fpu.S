# x87, SSE and AVX state: what saves it, and what CR0 and XCR0 allow.
.include "lib/cpu64.inc"
.set AREA, FREE

main:
  call setup_cpu
  fninit
  fnstcw [AREA]
  movzx eax, word ptr [AREA]
  CHECK_EQ rax, 0x37f, "control word after fninit"
  fnstsw ax
  movzx eax, ax
  CHECK_EQ rax, 0, "status word after fninit"

  # fxsave and fxrstor.
  mov rax, 0x3ff4000000000000          # 1.25
  mov [AREA], rax
  fld qword ptr [AREA]
  movq xmm3, rax
  movq xmm9, rax
  mov dword ptr [AREA], 0x3f80
  ldmxcsr [AREA]
  fxsave [AREA]
  movzx eax, byte ptr [AREA + 4]
  CHECK_EQ rax, 0x80, "fxsave: abridged tag word"
  movzx eax, word ptr [AREA + 2]
  CHECK_EQ rax, 0x3800, "fxsave: top of stack is 7"
  CHECK_EQ [AREA + 32], 0xa000000000000000, "fxsave: st0"
  movzx eax, word ptr [AREA + 40]
  CHECK_EQ rax, 0x3fff, "fxsave: exponent of st0"
  CHECK_EQ [AREA + 160 + 3*16], 0x3ff4000000000000, "fxsave: xmm3"
  CHECK_EQ [AREA + 160 + 9*16], 0x3ff4000000000000, "fxsave: xmm9"
  mov eax, [AREA + 24]
  CHECK_EQ rax, 0x3f80, "fxsave: MXCSR"
  fninit
  xorps xmm3, xmm3
  xorps xmm9, xmm9
  mov dword ptr [AREA + 0x800], 0x1f80
  ldmxcsr [AREA + 0x800]
  fxrstor [AREA]
  movq rax, xmm3
  CHECK_EQ rax, 0x3ff4000000000000, "fxrstor: xmm3"
  fstp qword ptr [AREA + 0x800]
  CHECK_EQ [AREA + 0x800], 0x3ff4000000000000, "fxrstor: st0"
  stmxcsr [AREA + 0x800]
  mov eax, [AREA + 0x800]
  CHECK_EQ rax, 0x3f80, "fxrstor: MXCSR"

  # MMX shares the x87 registers, and emms empties them.
  movq mm2, [AREA + 160 + 3 * 16]
  movq rax, mm2
  CHECK_EQ rax, 0x3ff4000000000000, "mmx"
  fxsave [AREA]
  movzx eax, byte ptr [AREA + 4]
  CHECK_EQ rax, 0xff, "mmx marks all registers in use"
  emms
  fxsave [AREA]
  movzx eax, byte ptr [AREA + 4]
  CHECK_EQ rax, 0, "emms"
  FAULT 13, 0, "fxsave that is not aligned", fxsave [AREA + 8]

  # XSAVE, where CPUID has it.
  mov eax, 1
  xor ecx, ecx
  cpuid
  mov ebp, ecx
  bt ebp, 26
  jnc no_xsave
  bt ebp, 27
  CHECK_IF nc, "OSXSAVE before it is set"
  xor ecx, ecx
  FAULT 6, 0, "xgetbv without OSXSAVE", xgetbv
  mov rax, cr4
  or eax, 1 << 18
  mov cr4, rax
  mov eax, 1
  xor ecx, ecx
  cpuid
  bt ecx, 27
  CHECK_IF c, "OSXSAVE after it is set"
  xor ecx, ecx
  xgetbv
  CHECK_EQ rax, 1, "XCR0 at reset"
  xor edx, edx
  mov eax, 2
  FAULT 13, 0, "XCR0 without x87", xsetbv
  mov ecx, 1
  mov eax, 3
  FAULT 13, 0, "XCR1", xsetbv
  xor ecx, ecx
  mov eax, 3
  xsetbv
  xgetbv
  CHECK_EQ rax, 3, "XCR0 reads back"

  # Cleared first: XSAVE writes only its parts of the area.
  mov edi, AREA
  xor eax, eax
  mov ecx, 0x1000 / 8
  rep stosq
  mov rax, 0x1122334455667788
  movq xmm5, rax
  mov eax, 3
  xor edx, edx
  xsave [AREA]
  mov rax, [AREA + 512]
  and eax, 2
  CHECK_EQ rax, 2, "xsave: SSE is in use"
  CHECK_EQ [AREA + 160 + 5*16], 0x1122334455667788, "xsave: xmm5"
  xorps xmm5, xmm5
  mov eax, 3
  xrstor [AREA]
  movq rax, xmm5
  CHECK_EQ rax, 0x1122334455667788, "xrstor: xmm5"
  # A component that the header leaves out goes to its initial state.
  and qword ptr [AREA + 512], ~2
  mov eax, 3
  xrstor [AREA]
  movq rax, xmm5
  CHECK_EQ rax, 0, "xrstor: initial state"
  mov qword ptr [AREA + 520], 1
  mov eax, 3
  FAULT 13, 0, "xrstor of a header that is not zero", xrstor [AREA]
  mov qword ptr [AREA + 520], 0

  # AVX.
  bt ebp, 28
  jnc no_xsave
  FAULT 6, 0, "AVX that XCR0 does not allow", vxorps ymm0, ymm0, ymm0
  xor ecx, ecx
  xor edx, edx
  mov eax, 5
  FAULT 13, 0, "AVX without SSE in XCR0", xsetbv
  mov eax, 7
  xsetbv
  mov rax, 0x0123456789abcdef
  movq xmm6, rax
  vpunpcklqdq xmm6, xmm6, xmm6
  vinsertf128 ymm6, ymm6, xmm6, 1
  mov eax, 7
  xor edx, edx
  xsave [AREA]
  CHECK_EQ [AREA + 576 + 6*16 + 8], 0x0123456789abcdef, "xsave: upper half of ymm6"
  vzeroall
  mov eax, 7
  xor edx, edx
  xrstor [AREA]
  vextractf128 xmm7, ymm6, 1
  movq rax, xmm7
  CHECK_EQ rax, 0x0123456789abcdef, "xrstor: upper half of ymm6"
  # A legacy SSE instruction keeps the upper half, a VEX one clears it.
  movaps xmm6, xmm5
  vextractf128 xmm7, ymm6, 1
  movq rax, xmm7
  CHECK_EQ rax, 0x0123456789abcdef, "movaps keeps the upper half"
  vmovaps xmm6, xmm5
  vextractf128 xmm7, ymm6, 1
  movq rax, xmm7
  CHECK_EQ rax, 0, "vmovaps clears the upper half"
  # CR0.TS stops AVX too.
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  FAULT 7, 0, "AVX with TS", vxorps xmm0, xmm0, xmm0
  clts
no_xsave:
  ret
