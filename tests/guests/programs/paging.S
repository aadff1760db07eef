# Page sizes, accessed and dirty bits, and what the TLB may and may not keep.
.include "lib/cpu64.inc"
.set PT, 0x89000
.set PD2, 0x8a000
.set PML4B, 0x8b000
.set PDPT2, 0x8c000
.set PT2, 0x8d000
.set FRAME_A, 0x200000
.set FRAME_B, 0x201000
.set AREA, 0x40000000      # Page table PT.
.set ACCESSED, 0x20
.set DIRTY, 0x40

main:
  call setup_cpu
  mov qword ptr [FRAME_A], 0xaaaa
  mov qword ptr [FRAME_B], 0xbbbb
  mov qword ptr [PD + 0x1000], PT + 3

  # Accessed and dirty, at every level.
  mov qword ptr [PT], FRAME_A + 3
  mov rax, cr3
  mov cr3, rax
  mov rax, [AREA]
  CHECK_EQ rax, 0xaaaa, "4 KiB page"
  CHECK_EQ [PT], FRAME_A+3+ACCESSED, "a read sets accessed only"
  CHECK_EQ [PD+0x1000], PT+3+ACCESSED, "and in the directory"
  mov qword ptr [AREA + 8], 1
  CHECK_EQ [PT], FRAME_A+3+ACCESSED+DIRTY, "a write sets dirty"
  CHECK_EQ [PD+0x1000], PT+3+ACCESSED, "a directory has no dirty bit"
  # Cleared by software, set again after invlpg.
  mov qword ptr [PT], FRAME_A + 3
  invlpg [AREA]
  mov qword ptr [AREA + 8], 2
  CHECK_EQ [PT], FRAME_A+3+ACCESSED+DIRTY, "dirty again after invlpg"

  # A new translation after invlpg.
  mov qword ptr [PT], FRAME_B + 3
  invlpg [AREA + 0x800]
  CHECK_EQ [AREA], 0xbbbb, "invlpg drops a translation"
  # And after CR3 is written.
  mov qword ptr [PT], FRAME_A + 3
  mov rax, cr3
  mov cr3, rax
  CHECK_EQ [AREA], 0xaaaa, "CR3 drops a translation"
  # From not present to present nothing needs to be dropped.
  mov qword ptr [PT + 8], 0
  FAULT 14, 0, "not present", mov rax, [AREA+0x1000]
  mov qword ptr [PT + 8], FRAME_B + 3
  CHECK_EQ [AREA+0x1000], 0xbbbb, "present at last"

  # Two aliases of one frame.
  mov qword ptr [PT + 16], FRAME_B + 3
  mov qword ptr [AREA + 0x1010], 0x1234
  CHECK_EQ [AREA+0x2010], 0x1234, "aliases see each other's writes"

  # 2 MiB pages: the runner's own map is made of them.
  CHECK_EQ [FRAME_A], 0xaaaa, "2 MiB page"
  mov qword ptr [PD + 0x1008], 0x200000 + 0x83
  CHECK_EQ [AREA+0x200000], 0xaaaa, "2 MiB page elsewhere"
  mov rax, [PD + 0x1008]
  and eax, ACCESSED + DIRTY
  CHECK_EQ rax, ACCESSED, "2 MiB page: accessed"
  mov qword ptr [AREA + 0x200008], 7
  mov rax, [PD + 0x1008]
  and eax, ACCESSED + DIRTY
  CHECK_EQ rax, ACCESSED+DIRTY, "2 MiB page: dirty"
  # Split into 4 KiB pages: invlpg of one address drops the whole old page.
  mov qword ptr [PT2], FRAME_B + 3
  mov qword ptr [PT2 + 8], FRAME_A + 3
  mov qword ptr [PD + 0x1008], PT2 + 3
  invlpg [AREA + 0x200000]
  CHECK_EQ [AREA+0x200000], 0xbbbb, "2 MiB page split, first"
  CHECK_EQ [AREA+0x201000], 0xaaaa, "2 MiB page split, second"

  # 1 GiB pages, where CPUID has them.
  mov eax, 0x80000001
  cpuid
  bt edx, 26
  jnc no_gib
  mov rax, 0x83
  mov [PDPT + 5 * 8], rax              # 5 GiB shows the first GiB.
  mov rbx, 0x140000000
  CHECK_EQ [rbx+FRAME_A], 0xaaaa, "1 GiB page"
  mov qword ptr [rbx + FRAME_A + 16], 0x77
  CHECK_EQ [FRAME_A+16], 0x77, "1 GiB page: write"
  mov rax, [PDPT + 5 * 8]
  and eax, ACCESSED + DIRTY
  CHECK_EQ rax, ACCESSED+DIRTY, "1 GiB page: accessed and dirty"
no_gib:

  # Rights are those of all levels together.
  mov rax, cr0
  or eax, 0x10000
  mov cr0, rax
  and qword ptr [PD + 0x1000], ~2
  mov rax, cr3
  mov cr3, rax
  FAULT 14, 3, "directory read-only", mov [AREA], rax
  or qword ptr [PD + 0x1000], 2
  invlpg [AREA]
  invlpg [AREA + 0x2000]
  mov qword ptr [AREA + 0x2018], 0x99
  CHECK_EQ [AREA+0x1018], 0x99, "the rights came back"

  # Global pages stay over a CR3 write, and go with invlpg and with CR4.PGE.
  mov rax, cr4
  or eax, 0x80
  mov cr4, rax
  mov qword ptr [PT + 24], FRAME_A + 0x103
  mov rax, [AREA + 0x3000]
  mov qword ptr [PT + 24], FRAME_B + 0x103
  invlpg [AREA + 0x3000]
  CHECK_EQ [AREA+0x3000], 0xbbbb, "invlpg drops a global page"
  mov qword ptr [PT + 24], FRAME_A + 0x103
  mov rax, cr4
  and rax, ~0x80
  mov cr4, rax
  or rax, 0x80
  mov cr4, rax
  CHECK_EQ [AREA+0x3000], 0xaaaa, "CR4.PGE drops a global page"

  # Another address space: only the first 2 MiB are the same.
  mov qword ptr [PML4B], PDPT2 + 3
  mov qword ptr [PDPT2], PD + 3
  mov qword ptr [PDPT2 + 8], PD2 + 3
  mov qword ptr [PD2], 0x200000 + 0x83
  mov rbx, cr3
  mov rax, PML4B
  mov cr3, rax
  mov rcx, [AREA + 0x1000]             # FRAME_B by another path.
  mov rdx, cr3
  mov cr3, rbx
  CHECK_EQ rcx, 0xbbbb, "second address space"
  CHECK_EQ rdx, PML4B, "CR3 reads back"
  # A translation of one address space is not used in the other.
  mov rax, PML4B
  mov cr3, rax
  mov qword ptr [PD2], 0
  mov cr3, rax
  FAULT 14, 0, "not mapped in this address space", mov rax, [AREA]
  mov cr3, rbx
  CHECK_EQ [AREA], 0xaaaa, "but in the other"
  ret
