#pragma once

#include "vmm/soft/state/cpu.h"

namespace bh::vmm::soft {

/// System and control instructions. The comment before a handler names the mnemonics it serves
/// where they differ from its own name. Contract of all of them: see Flow in state/cpu.h.

// Segment registers: segment_moves.cpp
Flow mov_to_segment(Cpu& cpu, Op const& op);    // MOV Sreg, r/m: reg[0] is the segment register.
Flow mov_from_segment(Cpu& cpu, Op const& op);  // MOV r/m, Sreg: reg[1] is the segment register.
Flow push_segment(Cpu& cpu, Op const& op);      // PUSH Sreg: reg[0].
Flow pop_segment(Cpu& cpu, Op const& op);       // POP Sreg: reg[0].
Flow lds(Cpu& cpu, Op const& op);               // reg[0] is the general register in these five.
Flow les(Cpu& cpu, Op const& op);
Flow lfs(Cpu& cpu, Op const& op);
Flow lgs(Cpu& cpu, Op const& op);
Flow lss(Cpu& cpu, Op const& op);

// Descriptor tables: descriptor_table_registers.cpp
Flow lgdt(Cpu& cpu, Op const& op);
Flow lidt(Cpu& cpu, Op const& op);
Flow sgdt(Cpu& cpu, Op const& op);
Flow sidt(Cpu& cpu, Op const& op);
Flow lldt(Cpu& cpu, Op const& op);
Flow ltr(Cpu& cpu, Op const& op);
Flow sldt(Cpu& cpu, Op const& op);
Flow str(Cpu& cpu, Op const& op);

// Questions about descriptors: selector_checks.cpp
Flow lar(Cpu& cpu, Op const& op);  // reg[0] is the destination, reg[1] or memory the selector.
Flow lsl(Cpu& cpu, Op const& op);
Flow verr(Cpu& cpu, Op const& op);
Flow verw(Cpu& cpu, Op const& op);
Flow arpl(Cpu& cpu, Op const& op);  // Outside 64-bit mode; reg[0] or memory, reg[1].

// Far transfers: far_jump.cpp, far_call.cpp, far_return.cpp, interrupt_return.cpp
Flow jmp_far(Cpu& cpu, Op const& op);   // JMP ptr16:16, ptr16:32 and JMP m16:16, m16:32, m16:64.
Flow call_far(Cpu& cpu, Op const& op);  // CALL likewise.
Flow ret_far(Cpu& cpu, Op const& op);   // RET far, with and without immediate.
Flow iret(Cpu& cpu, Op const& op);      // IRET, IRETD, IRETQ.

// System calls: system_call.cpp
Flow syscall_(Cpu& cpu, Op const& op);
Flow sysret(Cpu& cpu, Op const& op);  // operand_size 8 returns to 64-bit mode.
Flow sysenter(Cpu& cpu, Op const& op);
Flow sysexit(Cpu& cpu, Op const& op);
Flow vmcall(Cpu& cpu, Op const& op);  // VMCALL, VMMCALL: no hypercall is known.

// Software interrupts: software_interrupts.cpp
Flow int_n(Cpu& cpu, Op const& op);  // INT imm8
Flow int3(Cpu& cpu, Op const& op);
Flow int1(Cpu& cpu, Op const& op);
Flow into(Cpu& cpu, Op const& op);
Flow bound(Cpu& cpu, Op const& op);  // reg[0] and memory; not in 64-bit mode.
Flow undefined(
    Cpu& cpu, Op const& op);  // UD0, UD1, UD2, MONITOR, MWAIT, RDPID, INVPCID, RSM, CLAC, STAC, ...

// Control and debug registers: control_registers.cpp, debug_registers.cpp
Flow mov_to_cr(Cpu& cpu, Op const& op);    // reg[0] is the control register, reg[1] general.
Flow mov_from_cr(Cpu& cpu, Op const& op);  // reg[0] is general, reg[1] the control register.
Flow clts(Cpu& cpu, Op const& op);
Flow lmsw(Cpu& cpu, Op const& op);
Flow smsw(Cpu& cpu, Op const& op);
Flow xgetbv(Cpu& cpu, Op const& op);
Flow xsetbv(Cpu& cpu, Op const& op);
Flow mov_to_dr(Cpu& cpu, Op const& op);    // reg[0] is the debug register, reg[1] general.
Flow mov_from_dr(Cpu& cpu, Op const& op);  // reg[0] is general, reg[1] the debug register.

// Caches and TLB: cache_control.cpp
Flow invlpg(Cpu& cpu, Op const& op);
Flow wbinvd(Cpu& cpu, Op const& op);   // WBINVD, INVD
Flow clflush(Cpu& cpu, Op const& op);  // CLFLUSH, CLFLUSHOPT, CLWB
Flow pause(Cpu& cpu, Op const& op);

// Model-specific registers, identification, time: msr.cpp, cpuid.cpp, guest_clock.cpp
Flow rdmsr(Cpu& cpu, Op const& op);
Flow wrmsr(Cpu& cpu, Op const& op);
Flow rdpmc(Cpu& cpu, Op const& op);
Flow cpuid(Cpu& cpu, Op const& op);
Flow rdtsc(Cpu& cpu, Op const& op);
Flow rdtscp(Cpu& cpu, Op const& op);

// Ports: port_io.cpp, port_strings.cpp. operand_size is the size of the access.
Flow in_immediate(Cpu& cpu, Op const& op);   // IN AL/AX/EAX, imm8
Flow in_dx(Cpu& cpu, Op const& op);          // IN AL/AX/EAX, DX
Flow out_immediate(Cpu& cpu, Op const& op);  // OUT imm8, AL/AX/EAX
Flow out_dx(Cpu& cpu, Op const& op);         // OUT DX, AL/AX/EAX
// These use address_size, repeat and, for OUTS, the memory operand's segment; not base and index.
Flow ins(Cpu& cpu, Op const& op);   // INSB, INSW, INSD
Flow outs(Cpu& cpu, Op const& op);  // OUTSB, OUTSW, OUTSD

// Flags and waiting: flags.cpp
Flow cli(Cpu& cpu, Op const& op);
Flow sti(Cpu& cpu, Op const& op);
Flow cld(Cpu& cpu, Op const& op);
Flow std_(Cpu& cpu, Op const& op);
Flow clc(Cpu& cpu, Op const& op);
Flow stc(Cpu& cpu, Op const& op);
Flow cmc(Cpu& cpu, Op const& op);
Flow lahf(Cpu& cpu, Op const& op);
Flow sahf(Cpu& cpu, Op const& op);
Flow pushf(Cpu& cpu, Op const& op);  // PUSHF, PUSHFD, PUSHFQ
Flow popf(Cpu& cpu, Op const& op);   // POPF, POPFD, POPFQ
Flow hlt(Cpu& cpu, Op const& op);

// FS and GS bases: fs_gs_base.cpp. reg[0] is the general register.
Flow rdfsbase(Cpu& cpu, Op const& op);
Flow rdgsbase(Cpu& cpu, Op const& op);
Flow wrfsbase(Cpu& cpu, Op const& op);
Flow wrgsbase(Cpu& cpu, Op const& op);
Flow swapgs(Cpu& cpu, Op const& op);

// x87, SSE and AVX state: fpu_check.cpp, fxsave.cpp, xsave.cpp
Flow fxsave(Cpu& cpu, Op const& op);
Flow fxsave64(Cpu& cpu, Op const& op);
Flow fxrstor(Cpu& cpu, Op const& op);
Flow fxrstor64(Cpu& cpu, Op const& op);
Flow xsave(Cpu& cpu, Op const& op);    // XSAVE, XSAVE64, XSAVEOPT, XSAVEOPT64
Flow xrstor(Cpu& cpu, Op const& op);   // XRSTOR, XRSTOR64
Flow ldmxcsr(Cpu& cpu, Op const& op);  // LDMXCSR, VLDMXCSR
Flow stmxcsr(Cpu& cpu, Op const& op);  // STMXCSR, VSTMXCSR
Flow fwait(Cpu& cpu, Op const& op);

// Outside 64-bit mode only: legacy_decimal.cpp, legacy_stack.cpp
Flow aaa(Cpu& cpu, Op const& op);
Flow aas(Cpu& cpu, Op const& op);
Flow aam(Cpu& cpu, Op const& op);
Flow aad(Cpu& cpu, Op const& op);
Flow daa(Cpu& cpu, Op const& op);
Flow das(Cpu& cpu, Op const& op);
Flow salc(Cpu& cpu, Op const& op);
Flow pusha(Cpu& cpu, Op const& op);  // PUSHA, PUSHAD
Flow popa(Cpu& cpu, Op const& op);   // POPA, POPAD

/// #NM or #UD if CR0, CR4 or XCR0 forbid what op.fpu says the instruction uses, else Flow::Next.
Flow check_fpu(Cpu& cpu, Op const& op);

}  // namespace bh::vmm::soft
