/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM, as the rest of bulkhead.ko sees it. Everything here but bulkhead_kvm_vcpu_exits() and the
 * two destructors must be called in the runner's address space: KVM's files refuse any other.
 */
#ifndef BULKHEAD_KVM_H
#define BULKHEAD_KVM_H

#include <linux/types.h>

struct bulkhead_kvm;
struct bulkhead_kvm_vcpu;
struct bulkhead_part;
struct bulkhead_vcpu_create;

/* Exits by reason, see the attribute set "exits" in bulkhead.yaml. */
struct bulkhead_exits {
	u64 total;
	u64 io;
	u64 mmio;
	u64 halt;
	u64 irq;
	u64 irq_window;
	u64 signal;
};

int bulkhead_kvm_init(void);
void bulkhead_kvm_exit(void);

struct bulkhead_kvm *bulkhead_kvm_create(struct bulkhead_part *part);
void bulkhead_kvm_destroy(struct bulkhead_kvm *kvm);
int bulkhead_kvm_mem_add(struct bulkhead_kvm *kvm, u32 slot, u64 guest_addr, u64 bytes,
			 u64 user_addr);
int bulkhead_kvm_irq_wire(struct bulkhead_kvm *kvm, int irq_fd, u32 irq);

struct bulkhead_kvm_vcpu *bulkhead_kvm_vcpu_create(struct bulkhead_kvm *kvm,
						   const struct bulkhead_vcpu_create *args);
void bulkhead_kvm_vcpu_destroy(struct bulkhead_kvm_vcpu *vcpu);
int bulkhead_kvm_vcpu_run(struct bulkhead_kvm_vcpu *vcpu);
void bulkhead_kvm_vcpu_exits(struct bulkhead_kvm_vcpu *vcpu, struct bulkhead_exits *sum);

#endif
