# String instructions: directions, sizes, page borders, and faults in the middle.
.include "lib/cpu64.inc"
.set PT, 0x89000
.set AREA, 0x40000000
.set FRAME, 0x200000

main:
  call setup_cpu
  mov rax, cr0
  or eax, 0x10000
  mov cr0, rax
  # Pages 0 to 3 at frames in another order, page 4 missing, page 5 read-only.
  mov qword ptr [PT], FRAME + 0x3000 + 3
  mov qword ptr [PT + 8], FRAME + 0x1000 + 3
  mov qword ptr [PT + 16], FRAME + 0x7000 + 3
  mov qword ptr [PT + 24], FRAME + 3
  mov qword ptr [PT + 32], 0
  mov qword ptr [PT + 40], FRAME + 0x5000 + 1
  mov qword ptr [PD + 0x1000], PT + 3
  mov rax, cr3
  mov cr3, rax
  cld

  # Fill and copy across pages that are not next to each other.
  mov edi, AREA
  mov ecx, 0x4000 / 4
  mov eax, 0x01020304
  rep stosd
  CHECK_EQ rcx, 0, "rep stosd: count"
  CHECK_EQ rdi, AREA+0x4000, "rep stosd: rdi"
  CHECK_EQ [FRAME + 0x7ff8], 0x0102030401020304, "rep stosd: third page"
  mov edi, AREA
  xor eax, eax
1:
  stosb
  inc eax
  cmp edi, AREA + 0x2000
  jb 1b
  mov esi, AREA + 0x123
  mov edi, AREA + 0x2001
  mov ecx, 0x1800
  rep movsb
  CHECK_EQ rsi, AREA+0x1923, "rep movsb: rsi"
  CHECK_EQ rdi, AREA+0x3801, "rep movsb: rdi"
  mov esi, AREA + 0x123
  mov edi, AREA + 0x2001
  mov ecx, 0x1800
  repe cmpsb
  CHECK_IF e, "repe cmpsb of equal strings"
  CHECK_EQ rcx, 0, "repe cmpsb: count"
  inc byte ptr [AREA + 0x2000 + 0x801]
  mov esi, AREA + 0x123
  mov edi, AREA + 0x2001
  mov ecx, 0x1800
  repe cmpsb
  CHECK_IF b, "repe cmpsb: flags of the difference"
  CHECK_EQ rcx, 0x1800-0x801, "repe cmpsb: where it stops"

  # Overlap: a forward copy by one byte fills.
  mov edi, AREA
  mov byte ptr [rdi], 0x5a
  mov esi, AREA
  mov edi, AREA + 1
  mov ecx, 0x10ff
  rep movsb
  CHECK_EQ [AREA + 0x10f8], 0x5a5a5a5a5a5a5a5a, "overlapping copy"
  # Backwards.
  std
  mov esi, AREA + 0x1008
  mov edi, AREA + 0x3010
  mov ecx, 0x20
  rep movsq
  cld
  CHECK_EQ rsi, AREA+0x1008-0x100, "rep movsq backwards: rsi"
  CHECK_EQ [AREA + 0x3010 - 0xf8], 0x5a5a5a5a5a5a5a5a, "rep movsq backwards: data"

  # scas and lods.
  mov byte ptr [AREA + 0x1800], 0x99
  mov edi, AREA + 0x1100
  mov byte ptr [AREA + 0x10ff + 1], 0
  mov edi, AREA + 0x200
  mov al, 0x5a
  mov ecx, -1
  repe scasb
  CHECK_EQ rdi, AREA+0x1101, "repe scasb: where it stops"
  mov edi, AREA + 0x1200
  mov al, 0x99
  mov rcx, -1
  repne scasb
  mov rax, AREA + 0x1801
  CHECK_IF e, "repne scasb finds"
  not rcx
  mov esi, AREA + 0x1800
  mov rax, -1
  lodsb
  CHECK_EQ rax, 0xffffffffffffff99, "lodsb keeps the rest of rax"

  # Nothing to do.
  xor ecx, ecx
  mov edi, 1
  rep stosb
  CHECK_EQ rdi, 1, "rep with count 0 touches nothing"
  # 32-bit addresses and counts: the upper halves do not count.
  mov rdi, 0xffffffff00000000 + AREA
  mov rcx, 0x1000000003
  addr32 rep stosb
  CHECK_EQ rcx, 0, "32-bit count"
  CHECK_EQ rdi, AREA+3, "32-bit address"

  # A fault in the middle leaves the registers at the element that failed, and going on works.
  mov edi, AREA + 0x3f00
  mov ecx, 0x80            # 0x40 quadwords to the end of the page, 0x20 of them fit.
  mov rax, 0x1111111111111111
  FAULT 14, 2, "rep stosq into a missing page", rep stosq
  CHECK_EQ [rip + trap_cr2], AREA+0x4000, "rep stosq: CR2"
  CHECK_EQ rdi, AREA+0x4000, "rep stosq: rdi at the fault"
  CHECK_EQ rcx, 0x60, "rep stosq: count at the fault"
  CHECK_EQ [AREA + 0x3ff8], 0x1111111111111111, "rep stosq: what came before is written"
  mov qword ptr [PT + 32], FRAME + 0x6000 + 3
  rep stosq
  CHECK_EQ rdi, AREA+0x4300, "rep stosq goes on"
  CHECK_EQ [AREA + 0x42f8], 0x1111111111111111, "rep stosq: the rest"
  # The same with movs whose source is there and whose destination is read-only.
  mov esi, AREA
  mov edi, AREA + 0x4ff0
  mov ecx, 0x20
  FAULT 14, 3, "rep movsb into a read-only page", rep movsb
  CHECK_EQ rsi, AREA+0x10, "rep movsb: rsi at the fault"
  CHECK_EQ rdi, AREA+0x5000, "rep movsb: rdi at the fault"
  CHECK_EQ rcx, 0x10, "rep movsb: count at the fault"
  # The handler that maps the page and returns to the instruction: what a kernel does.
  lea rax, [rip + make_writable]
  mov [rip + hooks + 14 * 8], rax
  rep movsb
  mov qword ptr [rip + hooks + 14 * 8], 0
  CHECK_EQ rcx, 0, "rep movsb restarted by a handler"
  CHECK_EQ [AREA + 0x5000], 0x5a5a5a5a5a5a5a5a, "rep movsb restarted: data"
  # movs with a missing source.
  mov esi, AREA + 0x6ffc
  mov qword ptr [PT + 48], FRAME + 0x8000 + 3
  mov edi, AREA
  mov ecx, 4
  FAULT 14, 0, "rep movsd from a missing page", rep movsq
  CHECK_EQ rcx, 4, "rep movsq: the element across the border is not done"
  CHECK_EQ rsi, AREA+0x6ffc, "rep movsq: rsi"
  CHECK_EQ [rip + trap_cr2], AREA+0x7000, "rep movsq: CR2"
  ret

make_writable:
  or qword ptr [PT + 40], 2
  mov rbx, [rip + trap_cr2]
  invlpg [rbx]
  ret
