/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the vCPUs of a guest in C start. */
#include "layout.h"

	/* Each vCPU has 4 KiB of stack, below GUEST_DATA. Its number is that of its local APIC. */
	.section .start, "ax"
	.globl _start
_start:
	mov	$1, %eax
	cpuid
	shr	$24, %ebx
	mov	%ebx, %edi
	shl	$12, %ebx
	mov	$GUEST_DATA, %esp
	sub	%ebx, %esp
	call	guest_main
1:	hlt
	jmp	1b

	/*
	 * All but the first start in real mode, in a copy of this at SECOND_ADDR: into long mode,
	 * with the page tables and the GDT of the first.
	 */
	.text
	.code16
	.globl second_begin, second_end
second_begin:
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	$GUEST_PAGES, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax
	mov	%eax, %cr0
	lgdtl	SECOND_ADDR + gdt - second_begin
	ljmpl	$0x10, $_start
gdt:
	.word	31
	.long	GUEST_GDT
second_end:
