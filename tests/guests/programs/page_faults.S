# #PF: error code, CR2 and the precedence of what can be wrong. Each test gets a page of its own
# between 1 GiB and 1 GiB + 2 MiB, mapped by one page table.
.include "lib/cpu64.inc"
.set PT, 0x89000
.set AREA, 0x40000000
.set FRAME, FREE
.set P, 1
.set W, 2
.set U, 4

# Maps page \number to FRAME + its number, with \flags (and bit 63 for \nx).
.macro MAP number, flags, nx=0
  mov rax, FRAME + \number * 4096 + \flags + (\nx << 63)
  mov [PT + \number * 8], rax
  invlpg [AREA + \number * 4096]
.endm

.macro PAGE_FAULT error, address, text, instruction:vararg
  FAULT 14, \error, "\text", \instruction
  CHECK_EQ [rip+trap_cr2], \address, "\text: CR2"
.endm

main:
  call setup_cpu
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x800            # EFER.NXE
  wrmsr
  # The whole path lets user mode write; the page table decides.
  or qword ptr [PML4], 7
  or qword ptr [PDPT + 8], 7
  mov qword ptr [PD + 0x1000], PT + 7
  mov rax, cr3
  mov cr3, rax

  MAP 0, 0
  PAGE_FAULT 0, AREA+0x123, "read, not present", mov rax, [AREA+0x123]
  PAGE_FAULT 2, AREA+0x124, "write, not present", mov [AREA+0x124], rax
  MAP 1, P
  mov rax, [AREA + 0x1000]
  mov [AREA + 0x1000], rax             # CR0.WP is off: ring 0 writes anywhere.
  mov rax, cr0
  or eax, 0x10000
  mov cr0, rax
  PAGE_FAULT 3, AREA+0x1008, "write, read-only, WP", mov [AREA+0x1008], rax
  mov rax, [AREA + 0x1000]
  PAGE_FAULT 3, AREA+0x1000, "locked write, read-only", lock inc dword ptr [AREA+0x1000]

  # An access over a page border faults at the first byte of the page that is missing.
  MAP 2, P+W
  MAP 3, 0
  PAGE_FAULT 2, AREA+0x3000, "write across pages", mov [AREA+0x2ffc], rax
  CHECK_EQ [AREA+0x2ff8], 0, "a faulting write writes nothing"
  MAP 2, 0
  MAP 3, P+W
  PAGE_FAULT 0, AREA+0x2ffe, "read across pages, first missing", mov rax, [AREA+0x2ffe]

  # Instruction fetch: with NX, and of pages that are not there.
  MAP 4, P+W
  mov byte ptr [AREA + 0x4000], 0xc3   # ret
  mov rbx, AREA + 0x4000
  call rbx
  MAP 4, P+W, 1
  lea r12, [rip + 1f]
  mov [rip + resume], r12
  mov qword ptr [rip + trap_vector], -1
  mov r11, rsp
  call rbx
1:
  mov rsp, r11
  CHECK_EQ [rip+trap_vector], 14, "fetch with NX"
  CHECK_EQ [rip+trap_error], 0x11, "fetch with NX: error code"
  CHECK_EQ [rip+trap_cr2], AREA+0x4000, "fetch with NX: CR2"
  CHECK_EQ [rip+trap_rip], AREA+0x4000, "fetch with NX: rip"
  mov rax, [rbx]                       # Data may be read.
  MAP 4, 0
  lea r12, [rip + 1f]
  mov [rip + resume], r12
  call rbx
1:
  mov rsp, r11
  CHECK_EQ [rip+trap_error], 0x10, "fetch, not present: error code"

  # An instruction that continues on a missing page faults at that page, with rip at its start.
  MAP 5, P+W
  MAP 6, 0
  mov byte ptr [AREA + 0x5fff], 0x48   # First byte of `mov rax, rcx`.
  mov rbx, AREA + 0x5fff
  lea r12, [rip + 1f]
  mov [rip + resume], r12
  call rbx
1:
  mov rsp, r11
  CHECK_EQ [rip+trap_cr2], AREA+0x6000, "instruction across pages: CR2"
  CHECK_EQ [rip+trap_rip], AREA+0x5fff, "instruction across pages: rip"
  MAP 6, P+W
  mov dword ptr [AREA + 0x6000], 0xc3c889 # ... `mov rax, rcx`, ret.
  mov rcx, 0x1234567890
  call rbx
  CHECK_EQ rax, 0x1234567890, "instruction across pages runs"

  # SMEP and SMAP, where there are.
  xor eax, eax
  cpuid
  cmp eax, 7
  jb no_smap
  mov eax, 7
  xor ecx, ecx
  cpuid
  mov ebp, ebx
  MAP 8, P+W+U
  mov byte ptr [AREA + 0x8000], 0xc3
  bt ebp, 7
  jnc no_smep
  mov rax, cr4
  bts rax, 20
  mov cr4, rax
  mov rbx, AREA + 0x8000
  lea r12, [rip + 1f]
  mov [rip + resume], r12
  call rbx
1:
  mov rsp, r11
  CHECK_EQ [rip+trap_error], 0x11, "SMEP: error code"
  CHECK_EQ [rip+trap_rip], AREA+0x8000, "SMEP: rip"
no_smep:
  bt ebp, 20
  jnc no_smap
  mov rax, cr4
  bts rax, 21
  mov cr4, rax
  PAGE_FAULT 1, AREA+0x8000, "SMAP, read", mov rax, [AREA+0x8000]
  PAGE_FAULT 3, AREA+0x8000, "SMAP, write", mov [AREA+0x8000], rax
  stac
  mov rax, [AREA + 0x8000]
  clac
  PAGE_FAULT 1, AREA+0x8000, "SMAP after clac", mov rax, [AREA+0x8000]
no_smap:

  # CR2 stays until the next page fault, and can be written.
  mov rax, 0x7777777777
  mov cr2, rax
  FAULT 6, 0, "ud2", ud2
  CHECK_EQ [rip+trap_cr2], 0x7777777777, "CR2 is kept by other exceptions"

  # A page fault while a page fault is delivered: #DF.
  mov rax, [IDT + 14 * 16]
  push rax
  mov byte ptr [IDT + 14 * 16 + 5], 0x0e
  FAULT 8, 0, "gate of #PF not present", mov rax, [AREA]
  pop rax
  mov [IDT + 14 * 16], rax
  PAGE_FAULT 0, AREA, "and again", mov rax, [AREA]
  ret
