// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID of a vCPU: what KVM supports, plus what depends on the vCPU and on the machine. The
 * topology is one package in which each vCPU is a core of one thread, and its index is its APIC id;
 * KVM gives that of the host, or none (KVM API 4.46).
 *
 * Leaves 1, 4, 0xb and 0x1f are as in the Intel SDM, vol. 2A, CPUID; 0x80000001, 0x80000008,
 * 0x8000001d and 0x8000001e as in the AMD APM, vol. 3, appendix E.
 */
#ifdef __KERNEL__
#include <linux/array_size.h>
#include <linux/errno.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#include "cpuid.h"

/* The first four letters of AuthenticAMD and HygonGenuine. */
#define VENDOR_AMD	0x68747541
#define VENDOR_HYGON	0x6f677948

#define LEAF1_ECX_TSC_DEADLINE	0x01000000U
#define LEAF1_ECX_HYPERVISOR	0x80000000U
#define LEAF1_EDX_HTT		0x10000000U

#define CACHE_TYPE(eax)		((eax) & 0x1f)
#define CACHE_LEVEL(eax)	(((eax) >> 5) & 0x7)

#define CMP_LEGACY		0x2U

/* Types of a level of the topology. */
#define LEVEL_NONE		0
#define LEVEL_THREAD		1
#define LEVEL_CORE		2

/* Bits of an APIC id that tell @vcpus apart. */
static __u32 id_bits(__u32 vcpus)
{
	__u32 bits = 0;

	while (1U << bits < vcpus)
		bits++;
	return bits;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, __u32 function, __u32 index)
{
	__u32 i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

static struct kvm_cpuid_entry2 *find_or_add(struct kvm_cpuid2 *cpuid, __u32 room, __u32 function,
					    __u32 index)
{
	struct kvm_cpuid_entry2 *entry = find(cpuid, function, index);

	if (!entry && cpuid->nent < room)
		entry = &cpuid->entries[cpuid->nent++];
	return entry;
}

/* The levels of leaf 0xb, or 0x1f, if there is that leaf. */
static int set_levels(struct kvm_cpuid2 *cpuid, __u32 room, __u32 function, __u32 index,
		      __u32 vcpus)
{
	const struct kvm_cpuid_entry2 levels[] = {
		{ .eax = 0, .ebx = 1, .ecx = LEVEL_THREAD << 8 },
		{ .eax = id_bits(vcpus), .ebx = vcpus, .ecx = LEVEL_CORE << 8 },
		{ .eax = 0, .ebx = 0, .ecx = LEVEL_NONE << 8 },
	};
	struct kvm_cpuid_entry2 *entry;
	__u32 i;

	if (!find(cpuid, function, 0))
		return 0;
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		entry = find_or_add(cpuid, room, function, i);
		if (!entry)
			return -E2BIG;
		*entry = levels[i];
		entry->function = function;
		entry->index = i;
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		entry->ecx |= i;
		entry->edx = index;
	}
	return 0;
}

/* A cache is the core's own, but for those of the third level, which all share. */
static void set_sharing(struct kvm_cpuid_entry2 *entry, __u32 vcpus)
{
	__u32 sharing = CACHE_LEVEL(entry->eax) < 3 ? 1 : 1U << id_bits(vcpus);

	if (CACHE_TYPE(entry->eax))
		entry->eax = (entry->eax & ~0x03ffc000U) | (sharing - 1) << 14;
}

static void set_entry(struct kvm_cpuid_entry2 *entry, __u32 index, __u32 vcpus, bool amd)
{
	switch (entry->function) {
	case 0x1:
		entry->ebx = (entry->ebx & 0xffff) | index << 24 | vcpus << 16;
		entry->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_TSC_DEADLINE;
		entry->edx &= ~LEAF1_EDX_HTT;
		if (vcpus > 1)
			entry->edx |= LEAF1_EDX_HTT;
		break;
	case 0x4:
		set_sharing(entry, vcpus);
		if (CACHE_TYPE(entry->eax))
			entry->eax = (entry->eax & 0x03ffffff) | ((1U << id_bits(vcpus)) - 1) << 26;
		break;
	case 0x80000001:
		/* HTT is about cores, not threads. */
		if (amd)
			entry->ecx = (entry->ecx & ~CMP_LEGACY) | (vcpus > 1 ? CMP_LEGACY : 0);
		break;
	case 0x80000008:
		if (amd)
			entry->ecx = (entry->ecx & ~0xf0ffU) | id_bits(vcpus) << 12 | (vcpus - 1);
		break;
	case 0x8000001d:
		set_sharing(entry, vcpus);
		break;
	case 0x8000001e:
		/* APIC id; core, of one thread; node, of one in the package. */
		entry->eax = index;
		entry->ebx = index;
		entry->ecx = 0;
		break;
	}
}

/**
 * bulkhead_cpuid_set - make what KVM supports the CPUID of a vCPU
 * @cpuid: what KVM_GET_SUPPORTED_CPUID returned
 * @room: number of entries that @cpuid can have
 * @index: the vCPU's number and APIC id
 * @vcpus: number of vCPUs in the partition, 1 to 64
 *
 * Return: 0, or -E2BIG if @cpuid has more entries than fit.
 */
int bulkhead_cpuid_set(struct kvm_cpuid2 *cpuid, __u32 room, __u32 index, __u32 vcpus)
{
	struct kvm_cpuid_entry2 *vendor;
	bool amd;
	__u32 i;
	int ret;

	if (cpuid->nent > room)
		return -E2BIG;
	vendor = find(cpuid, 0, 0);
	amd = vendor && (vendor->ebx == VENDOR_AMD || vendor->ebx == VENDOR_HYGON);

	for (i = 0; i < cpuid->nent; i++)
		set_entry(&cpuid->entries[i], index, vcpus, amd);
	ret = set_levels(cpuid, room, 0xb, index, vcpus);
	return ret ?: set_levels(cpuid, room, 0x1f, index, vcpus);
}
