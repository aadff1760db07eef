# Real mode, protected mode, long mode, and all the way back, with a letter in each.
.intel_syntax noprefix
.set PML4, 0x80000
.set PDPT, 0x81000
.set PD, 0x82000

.macro SAY a, b
  mov al, \a
  out 0xe9, al
  mov al, \b
  out 0xe9, al
  mov al, ' '
  out 0xe9, al
.endm

.code16
start:
  cli
  mov esp, 0x7000
  SAY '1', '6'
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  .byte 0x66, 0xea         # jmp far 0x18:protected
  .long protected
  .word 0x18

.code32
protected:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  SAY '3', '2'
  # Page tables: the first 2 MiB.
  mov edi, PML4
  xor eax, eax
  mov ecx, 0x3000 / 4
  cld
  rep stosd
  mov dword ptr [PML4], PDPT | 3
  mov dword ptr [PDPT], PD | 3
  mov dword ptr [PD], 0x83
  mov eax, cr4
  or eax, 0x20             # PAE
  mov cr4, eax
  mov eax, PML4
  mov cr3, eax
  mov ecx, 0xc0000080      # EFER
  rdmsr
  test ah, 4
  jnz bad                  # LMA before paging is on
  or ah, 1                 # LME
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  rdmsr
  test ah, 4
  jz bad
  ljmp 0x08, offset long_mode

.code64
long_mode:
  mov rax, 0x123456789abcdef0
  shr rax, 32
  cmp eax, 0x12345678
  jne bad64
  SAY '6', '4'
  # Compatibility mode, then out of long mode.
  push 0x18
  push offset compatible
  rex.w retf
bad64:
  mov al, 2
  out 0xf4, al
  hlt

.code32
compatible:
  mov ax, 0x10
  mov ss, ax
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov ecx, 0xc0000080
  rdmsr
  test ah, 4
  jnz bad                  # LMA goes with paging
  and ah, 0xfe
  wrmsr
  mov eax, cr4
  and eax, ~0x20
  mov cr4, eax
  SAY '3', '2'
  ljmp 0x20, offset protected16
bad:
  mov al, 1
  out 0xf4, al
  hlt

.code16
protected16:
  mov ax, 0x28
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  ljmp 0, offset real
real:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000
  SAY '1', '6'
  # Segments have 64 KiB and a base of 16 times the selector again.
  mov ax, 0x1000
  mov es, ax
  mov byte ptr es:[0x10], 0x5a
  mov ax, 0x1001
  mov es, ax
  cmp byte ptr es:[0], 0x5a
  jne bad_real
  xor al, al
  out 0xf4, al
  hlt
bad_real:
  mov al, 3
  out 0xf4, al
  hlt

.balign 8
gdt:
  .quad 0
  .quad 0x00af9b000000ffff  # 0x08 64-bit code
  .quad 0x00cf93000000ffff  # 0x10 data
  .quad 0x00cf9b000000ffff  # 0x18 32-bit code
  .quad 0x00009b000000ffff  # 0x20 16-bit code
  .quad 0x000093000000ffff  # 0x28 16-bit data
gdt_pointer:
  .word 0x2f
  .long gdt
