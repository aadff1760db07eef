# Code that is written while it runs, in all the ways in which a translation could be stale.
.include "lib/cpu64.inc"
.set PT, 0x89000
.set ALIAS, 0x40000000
.set CODE, 0x200000
.set RET, 0xc3
# mov eax, imm32; ret
.macro PUT address, value
  mov byte ptr [\address], 0xb8
  mov dword ptr [\address + 1], \value
  mov byte ptr [\address + 5], RET
.endm

main:
  call setup_cpu
  mov rbp, CODE

  # A function that is replaced between calls.
  mov r12d, 0
1:
  PUT CODE, 0
  mov [CODE + 1], r12d
  call rbp
  CHECK_SAME rax, r12, "replaced function"
  inc r12d
  cmp r12d, 300
  jb 1b

  # The next instruction, in the same basic block.
  xor eax, eax
  mov byte ptr [rip + patch_near + 1], 0x77
patch_near:
  mov al, 0x11
  CHECK_EQ rax, 0x77, "the next instruction is written"

  # A loop that changes its own body in every turn.
  mov ecx, 100
  xor ebx, ebx
  mov dword ptr [rip + patch_loop + 2], 1
1:
patch_loop:
  add ebx, 0x12345678
  inc dword ptr [rip + patch_loop + 2]
  dec ecx
  jnz 1b
  # The add with 1, 2, ... 100.
  CHECK_EQ rbx, 5050, "a loop writes its own body"

  # A string instruction over code.
  PUT CODE, 1
  call rbp
  PUT CODE+0x100, 2
  mov esi, CODE + 0x100
  mov edi, CODE
  mov ecx, 6
  rep movsb
  call rbp
  CHECK_EQ rax, 2, "rep movsb over code"
  # One byte, and one that only touches the end of the instruction.
  mov byte ptr [CODE + 4], 0x7f
  call rbp
  CHECK_EQ rax, 0x7f000002, "one byte"
  # A write that begins on the page before.
  PUT CODE+0x1000, 3
  lea rbx, [rbp + 0x1000]
  call rbx
  mov rax, 0xc300000004b89090          # nop nop mov eax, 4 ret, from CODE + 0xffe.
  mov [CODE + 0xffe], rax
  call rbx
  CHECK_EQ rax, 4, "a write across pages"

  # Code across a page border, of which either side is written.
  mov byte ptr [CODE + 0x1ffd], 0xb8
  mov dword ptr [CODE + 0x1ffe], 0x01020304
  mov byte ptr [CODE + 0x2002], RET
  lea rbx, [rbp + 0x1ffd]
  call rbx
  CHECK_EQ rax, 0x01020304, "code across pages"
  mov byte ptr [CODE + 0x2000], 0x55
  call rbx
  CHECK_EQ rax, 0x01550304, "code across pages: second page written"
  mov byte ptr [CODE + 0x1ffe], 0x66
  call rbx
  CHECK_EQ rax, 0x01550366, "code across pages: first page written"

  # A write through another mapping of the same frame.
  mov qword ptr [PT], CODE + 0x3000 + 3
  mov qword ptr [PD + 0x1000], PT + 3
  mov rax, cr3
  mov cr3, rax
  PUT CODE+0x3000, 5
  lea rbx, [rbp + 0x3000]
  call rbx
  CHECK_EQ rax, 5, "before the write through an alias"
  mov dword ptr [ALIAS + 1], 6
  call rbx
  CHECK_EQ rax, 6, "a write through an alias"
  # And code that runs through the alias, written through the first mapping.
  mov ebx, ALIAS
  call rbx
  CHECK_EQ rax, 6, "code in an alias"
  mov dword ptr [CODE + 0x3001], 7
  call rbx
  CHECK_EQ rax, 7, "code in an alias, written elsewhere"
  # The same address shows another frame: the code of before is not there any more.
  PUT CODE+0x4000, 8
  mov qword ptr [PT], CODE + 0x4000 + 3
  invlpg [ALIAS]
  call rbx
  CHECK_EQ rax, 8, "remapped code"
  mov qword ptr [PT], CODE + 0x3000 + 3
  invlpg [ALIAS]
  call rbx
  CHECK_EQ rax, 7, "remapped back"
  # Through the target of a direct jump that was executed before: a chained one must be cut.
  mov byte ptr [CODE + 0x5000], 0xe9    # jmp ALIAS
  mov dword ptr [CODE + 0x5001], ALIAS - (CODE + 0x5005)
  lea r12, [rbp + 0x5000]
  call r12
  call r12
  CHECK_EQ rax, 7, "jump to another page"
  mov qword ptr [PT], CODE + 0x4000 + 3
  invlpg [ALIAS]
  call r12
  CHECK_EQ rax, 8, "jump to a page that was remapped"
  mov dword ptr [CODE + 0x4001], 9
  call r12
  CHECK_EQ rax, 9, "jump to a page that was written"

  # A device or another program of the monitor does not write code here; but an atomic does.
  PUT CODE+0x6000, 10
  lea rbx, [rbp + 0x6000]
  call rbx
  lock add dword ptr [CODE + 0x6001], 5
  call rbx
  CHECK_EQ rax, 15, "a locked write"
  # A push onto code.
  mov r12, rsp
  mov esp, CODE + 0x6008
  mov rax, 0x9090c300000011b8
  push rax
  mov rsp, r12
  call rbx
  CHECK_EQ rax, 0x11, "a push"
  # SSE.
  mov rax, 0x9090c300000012b8
  movq xmm0, rax
  movups [CODE + 0x6000], xmm0
  call rbx
  CHECK_EQ rax, 0x12, "a vector store"
  ret
