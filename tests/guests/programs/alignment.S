# Alignment checks: CR0.AM and rflags.AC, in ring 3 only.
.include "lib/user64.inc"
main:
  call setup_cpu
  call setup_user
  mov rax, cr0
  or eax, 0x40000
  mov cr0, rax
  ENTER_USER user_misaligned, 0x40202
  CHECK_EQ [rip + trap_vector], 17, "alignment check"
  CHECK_EQ [rip + trap_error], 0, "alignment check: error code"
  ENTER_USER user_misaligned
  CHECK_EQ [rip + trap_vector], 0x81, "no alignment check without AC"
  mov rax, cr0
  and eax, ~0x40000
  mov cr0, rax
  ret

user_misaligned:
  mov rax, [USER_PAGE + 1]
  int 0x81
