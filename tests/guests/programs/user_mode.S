# Ring 3 and the ways into and out of it.
.include "lib/user64.inc"
.set EFER, 0xc0000080
.set STAR, 0xc0000081
.set LSTAR, 0xc0000082
.set FMASK, 0xc0000084
.set GS_BASE, 0xc0000101
.set KERNEL_GS_BASE, 0xc0000102

main:
  call setup_cpu
  call setup_user

  ENTER_USER user_interrupt
  CHECK_EQ [rip + trap_vector], 0x81, "int 0x81 from ring 3"
  CHECK_EQ [rip + trap_cs], USER_CODE, "saved cs"
  CHECK_EQ [rip + trap_ss], USER_DATA, "saved ss"
  CHECK_EQ [rip + trap_rsp], USER_STACK, "saved rsp"
  CHECK_EQ [rip + trap_frame], INTERRUPT_STACK-40, "TSS.RSP0 is used"
  CHECK_EQ r12, USER_CODE, "cs as ring 3 sees it"
  mov rax, [rip + trap_rflags]
  and eax, 0x3200
  CHECK_EQ rax, 0x200, "rflags in ring 3"

  # What ring 3 is refused.
  ENTER_USER user_cli
  CHECK_EQ [rip + trap_vector], 13, "cli in ring 3"
  CHECK_EQ [rip + trap_error], 0, "cli in ring 3: error code"
  ENTER_USER user_hlt
  CHECK_EQ [rip + trap_vector], 13, "hlt in ring 3"
  ENTER_USER user_out
  CHECK_EQ [rip + trap_vector], 13, "out in ring 3"
  ENTER_USER user_int
  CHECK_EQ [rip + trap_vector], 13, "closed gate"
  ENTER_USER user_cr
  CHECK_EQ [rip + trap_vector], 13, "mov cr in ring 3"
  ENTER_USER user_msr
  CHECK_EQ [rip + trap_vector], 13, "rdmsr in ring 3"
  ENTER_USER user_lgdt
  CHECK_EQ [rip + trap_vector], 13, "lidt in ring 3"
  ENTER_USER user_segment
  CHECK_EQ [rip + trap_vector], 13, "kernel data segment in ring 3"
  CHECK_EQ [rip + trap_error], KERNEL_DATA, "kernel data segment in ring 3: error code"
  ENTER_USER user_ud
  CHECK_EQ [rip + trap_vector], 6, "ud2 in ring 3"
  ENTER_USER user_read
  CHECK_EQ [rip + trap_vector], 14, "kernel page in ring 3"
  CHECK_EQ [rip + trap_error], 5, "kernel page in ring 3: read"
  CHECK_EQ [rip + trap_cr2], 0x400000, "kernel page in ring 3: CR2"
  ENTER_USER user_write
  CHECK_EQ [rip + trap_error], 7, "kernel page in ring 3: write"
  ENTER_USER user_absent
  CHECK_EQ [rip + trap_error], 6, "absent page in ring 3: write"
  # popf in ring 3 changes neither IF nor IOPL, and says nothing.
  ENTER_USER user_popf
  mov rax, [rip + trap_rflags]
  and eax, 0x3200
  CHECK_EQ rax, 0x200, "popf in ring 3"
  # With IOPL 3 ring 3 may use ports and IF.
  ENTER_USER user_ports, 0x3202
  CHECK_EQ [rip + trap_vector], 0x81, "ports with IOPL 3"
  CHECK_EQ r12, 0x42, "port with IOPL 3"
  mov rax, [rip + trap_rflags]
  and eax, 0x3200
  CHECK_EQ rax, 0x3000, "cli with IOPL 3"
  # syscall and sysret.
  mov ecx, EFER
  rdmsr
  mov r12, rax
  FAULT 6, 0, "syscall without SCE", syscall
  mov rax, r12
  xor edx, edx
  or eax, 1
  wrmsr
  mov ecx, STAR
  xor eax, eax
  mov edx, 0x00180008
  wrmsr
  mov ecx, LSTAR
  lea rax, [rip + syscall_entry]
  xor edx, edx
  wrmsr
  mov ecx, FMASK
  mov eax, 0x600           # IF and DF
  wrmsr
  mov ecx, KERNEL_GS_BASE
  lea rax, [rip + kernel_area]
  wrmsr
  mov ecx, GS_BASE
  mov eax, USER_PAGE
  wrmsr
  mov qword ptr [USER_PAGE], 0x5678
  mov [rip + kernel_area], rsp
  ENTER_USER user_syscall, 0x202
  CHECK_EQ [rip + trap_vector], 0x81, "back in ring 3 after sysret"
  CHECK_EQ [rip + trap_cs], USER_CODE, "cs after sysret"
  CHECK_EQ [rip + trap_ss], USER_DATA, "ss after sysret"
  CHECK_EQ [rip + trap_rsp], USER_STACK, "syscall leaves rsp alone"
  mov rax, [rip + trap_rflags]
  and eax, 0x600
  CHECK_EQ rax, 0x600, "rflags after sysret"
  CHECK_EQ [rip + in_kernel_cs], KERNEL_CODE, "cs in the system call"
  CHECK_EQ [rip + in_kernel_ss], KERNEL_DATA, "ss in the system call"
  mov rax, [rip + in_kernel_rflags]
  and eax, 0x600
  CHECK_EQ rax, 0, "FMASK clears flags"
  mov rax, [rip + in_kernel_r11]
  and eax, 0x600
  CHECK_EQ rax, 0x600, "r11 has the old flags"
  lea rax, [rip + after_syscall]
  CHECK_SAME [rip + in_kernel_rcx], rax, "rcx has the next rip"
  CHECK_EQ r12, 0x5678, "user GS base"
  CHECK_EQ r9, 0xcafe, "result of the system call"
  cld
  ret

user_interrupt:
  mov r12d, cs
  int 0x81
user_cli:
  cli
user_hlt:
  hlt
user_out:
  out PORT_TEXT, al
user_int:
  int 0x80
user_cr:
  mov rax, cr0
user_msr:
  mov ecx, EFER
  rdmsr
user_lgdt:
  lidt [rip + idt_pointer]
user_segment:
  mov eax, KERNEL_DATA
  mov ds, eax
user_ud:
  ud2
user_read:
  mov rax, [0x400000]
user_write:
  mov [0x400000], rax
user_absent:
  mov rax, 0x7f0000000000
  mov [rax], rax
user_popf:
  pushfq
  pop rax
  and rax, ~0x200
  or rax, 0x3000
  push rax
  popfq
  int 0x81
user_ports:
  mov edx, PORT_ECHO
  mov al, 0x42
  out dx, al
  xor eax, eax
  in al, dx
  mov r12, rax
  cli
  int 0x81
user_syscall:
  std
  syscall
after_syscall:
  mov r12, gs:[0]
  int 0x81

syscall_entry:
  swapgs
  mov r10, rsp
  mov rsp, gs:[0]
  pushfq
  pop qword ptr [rip + in_kernel_rflags]
  mov [rip + in_kernel_rcx], rcx
  mov [rip + in_kernel_r11], r11
  xor eax, eax
  mov eax, cs
  mov [rip + in_kernel_cs], rax
  mov eax, ss
  mov [rip + in_kernel_ss], rax
  mov r9d, 0xcafe
  mov rsp, r10
  swapgs
  sysretq

.balign 8
kernel_area: .quad 0
in_kernel_rflags: .quad 0
in_kernel_rcx: .quad 0
in_kernel_r11: .quad 0
in_kernel_cs: .quad 0
in_kernel_ss: .quad 0
