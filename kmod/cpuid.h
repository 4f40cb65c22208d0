/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vCPU says of itself by CPUID. Also compiled in user space, for its unit tests. */
#ifndef BULKHEAD_CPUID_H
#define BULKHEAD_CPUID_H

#include <linux/types.h>
#include <asm/kvm.h>

int bulkhead_cpuid_set(struct kvm_cpuid2 *cpuid, __u32 room, __u32 index, __u32 vcpus);

#endif
