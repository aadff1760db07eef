// Entry of every signal in the child. A case may have left EFLAGS.AC, NT, TF or ID set; C++ code
// must not run with them. The handler returns the flags that sigreturn cannot set (NT and ID),
// which therefore have to be in EFLAGS when the system call is made.
	.text
	.globl isa_signal_entry
	.type isa_signal_entry, @function
isa_signal_entry:
	pushfq
	andq $~0x244100, (%rsp)
	popfq
	cld
	subq $8, %rsp
	call isa_on_signal
	addq $8, %rsp
	pushfq
	orq %rax, (%rsp)
	popfq
	ret
	.size isa_signal_entry, . - isa_signal_entry
	.section .note.GNU-stack, "", @progbits
