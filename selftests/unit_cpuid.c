// SPDX-License-Identifier: GPL-2.0-only
/* CPUID of vCPUs, compiled in user space: as Intel's and AMD's manuals have it. Needs no VM. */
#include "../kmod/cpuid.c"
#include "kselftest_harness.h"

#define ROOM	64

struct table {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[ROOM];
};

static struct kvm_cpuid2 *create(void)
{
	return calloc(1, sizeof(struct table));
}

static struct kvm_cpuid_entry2 *add(struct kvm_cpuid2 *cpuid, __u32 function, __u32 index)
{
	struct kvm_cpuid_entry2 *entry = &cpuid->entries[cpuid->nent++];

	entry->function = function;
	entry->index = index;
	return entry;
}

/* As of a host with 2 packages, hyper-threading, and 8 cores that share a cache. */
static struct kvm_cpuid2 *intel(void)
{
	struct kvm_cpuid2 *cpuid = create();
	struct kvm_cpuid_entry2 *entry;
	__u32 level;

	add(cpuid, 0, 0)->ebx = 0x756e6547;
	entry = add(cpuid, 1, 0);
	entry->ebx = 0x33100812;
	entry->edx = LEAF1_EDX_HTT | 1;
	for (level = 1; level <= 3; level++)
		add(cpuid, 4, level)->eax = level << 5 | 1 | 15 << 14 | 7 << 26;
	add(cpuid, 4, 4);
	add(cpuid, 0xb, 0);
	add(cpuid, 0x1f, 0);
	add(cpuid, 0x80000001, 0)->ecx = 1;
	add(cpuid, 0x80000008, 0)->eax = 0x302e;
	return cpuid;
}

static struct kvm_cpuid2 *amd(void)
{
	struct kvm_cpuid2 *cpuid = create();
	struct kvm_cpuid_entry2 *entry;
	__u32 level;

	add(cpuid, 0, 0)->ebx = VENDOR_AMD;
	add(cpuid, 1, 0)->ebx = 0x00010800;
	add(cpuid, 4, 0);
	add(cpuid, 0x80000001, 0)->ecx = 1U << 22;
	add(cpuid, 0x80000008, 0)->ecx = 0x1700f;
	for (level = 1; level <= 3; level++)
		add(cpuid, 0x8000001d, level)->eax = level << 5 | 1 | 7 << 14;
	add(cpuid, 0x8000001d, 4);
	entry = add(cpuid, 0x8000001e, 0);
	entry->ecx = 0x101;
	return cpuid;
}

/* 1 to 64 vCPUs, each of them: a core of its own in the one package. */
TEST(intel_levels)
{
	static const __u32 leaves[] = { 0xb, 0x1f };
	__u32 vcpus, index, i;

	for (vcpus = 1; vcpus <= 64; vcpus++)
		for (index = 0; index < vcpus; index++) {
			struct kvm_cpuid2 *cpuid = intel();
			struct kvm_cpuid_entry2 *e;

			ASSERT_EQ(0, bulkhead_cpuid_set(cpuid, ROOM, index, vcpus));
			for (i = 0; i < 2; i++) {
				e = find(cpuid, leaves[i], 0);
				ASSERT_NE(NULL, e);
				EXPECT_EQ(0, e->eax);
				EXPECT_EQ(1, e->ebx);
				EXPECT_EQ(0x100, e->ecx);
				EXPECT_EQ(index, e->edx);
				EXPECT_EQ(KVM_CPUID_FLAG_SIGNIFCANT_INDEX, e->flags);
				e = find(cpuid, leaves[i], 1);
				ASSERT_NE(NULL, e);
				/* What is above the core's number is the package's: the same. */
				EXPECT_EQ(0, index >> e->eax);
				EXPECT_TRUE(vcpus == 1 || 1U << e->eax < 2 * vcpus);
				EXPECT_EQ(vcpus, e->ebx);
				EXPECT_EQ(0x201, e->ecx);
				EXPECT_EQ(index, e->edx);
				EXPECT_EQ(KVM_CPUID_FLAG_SIGNIFCANT_INDEX, e->flags);
				e = find(cpuid, leaves[i], 2);
				ASSERT_NE(NULL, e);
				EXPECT_EQ(0, e->ebx);
				EXPECT_EQ(2, e->ecx);
				EXPECT_EQ(index, e->edx);
			}
			free(cpuid);
		}
}

TEST(intel_legacy)
{
	struct kvm_cpuid2 *cpuid = intel();

	ASSERT_EQ(0, bulkhead_cpuid_set(cpuid, ROOM, 5, 6));
	EXPECT_EQ(0x05060812, find(cpuid, 1, 0)->ebx);
	EXPECT_EQ(LEAF1_ECX_HYPERVISOR | LEAF1_ECX_TSC_DEADLINE, find(cpuid, 1, 0)->ecx);
	EXPECT_EQ(LEAF1_EDX_HTT | 1, find(cpuid, 1, 0)->edx);
	/* Ids are given out in powers of two: eight. */
	EXPECT_EQ(1 << 5 | 1 | 0 << 14 | 7 << 26, find(cpuid, 4, 1)->eax);
	EXPECT_EQ(2 << 5 | 1 | 0 << 14 | 7 << 26, find(cpuid, 4, 2)->eax);
	EXPECT_EQ(3 << 5 | 1 | 7 << 14 | 7 << 26, find(cpuid, 4, 3)->eax);
	EXPECT_EQ(0, find(cpuid, 4, 4)->eax);
	/* Reserved here. */
	EXPECT_EQ(1, find(cpuid, 0x80000001, 0)->ecx);
	EXPECT_EQ(0, find(cpuid, 0x80000008, 0)->ecx);
	EXPECT_EQ(0x302e, find(cpuid, 0x80000008, 0)->eax);
	free(cpuid);

	cpuid = intel();
	ASSERT_EQ(0, bulkhead_cpuid_set(cpuid, ROOM, 63, 64));
	EXPECT_EQ(0x3f400812, find(cpuid, 1, 0)->ebx);
	EXPECT_EQ(3U << 5 | 1 | 63U << 14 | 63U << 26, find(cpuid, 4, 3)->eax);
	free(cpuid);
}

TEST(amd_leaves)
{
	struct kvm_cpuid2 *cpuid = amd();

	ASSERT_EQ(0, bulkhead_cpuid_set(cpuid, ROOM, 5, 6));
	EXPECT_EQ(0x05060800, find(cpuid, 1, 0)->ebx);
	EXPECT_EQ(LEAF1_EDX_HTT, find(cpuid, 1, 0)->edx);
	EXPECT_EQ(0, find(cpuid, 4, 0)->eax);
	EXPECT_EQ(1U << 22 | CMP_LEGACY, find(cpuid, 0x80000001, 0)->ecx);
	/* Six cores, their ids three bits wide; the rest is as it was. */
	EXPECT_EQ(0x13005, find(cpuid, 0x80000008, 0)->ecx);
	EXPECT_EQ(1 << 5 | 1, find(cpuid, 0x8000001d, 1)->eax);
	EXPECT_EQ(2 << 5 | 1, find(cpuid, 0x8000001d, 2)->eax);
	EXPECT_EQ(3 << 5 | 1 | 7 << 14, find(cpuid, 0x8000001d, 3)->eax);
	EXPECT_EQ(0, find(cpuid, 0x8000001d, 4)->eax);
	EXPECT_EQ(5, find(cpuid, 0x8000001e, 0)->eax);
	EXPECT_EQ(5, find(cpuid, 0x8000001e, 0)->ebx);
	EXPECT_EQ(0, find(cpuid, 0x8000001e, 0)->ecx);
	/* A leaf that KVM doesn't give isn't made up. */
	EXPECT_EQ(NULL, find(cpuid, 0xb, 0));
	free(cpuid);
}

TEST(one)
{
	struct kvm_cpuid2 *cpuid = amd();

	find(cpuid, 1, 0)->edx = LEAF1_EDX_HTT;
	find(cpuid, 0x80000001, 0)->ecx = CMP_LEGACY;
	ASSERT_EQ(0, bulkhead_cpuid_set(cpuid, ROOM, 0, 1));
	EXPECT_EQ(0x00010800, find(cpuid, 1, 0)->ebx);
	EXPECT_EQ(0, find(cpuid, 1, 0)->edx);
	EXPECT_EQ(0, find(cpuid, 0x80000001, 0)->ecx);
	EXPECT_EQ(0x10000, find(cpuid, 0x80000008, 0)->ecx);
	free(cpuid);
}

/* The entries end where the memory does: the sanitizer watches. */
TEST(room)
{
	struct kvm_cpuid2 *whole = intel();
	size_t head = sizeof(*whole);
	__u32 nent = whole->nent, room;

	for (room = nent - 1; room <= nent + 4; room++) {
		size_t size = head + room * sizeof(whole->entries[0]);
		struct kvm_cpuid2 *cpuid = malloc(size);

		memcpy(cpuid, whole, size);
		EXPECT_EQ(room < nent + 4 ? -E2BIG : 0, bulkhead_cpuid_set(cpuid, room, 1, 2));
		EXPECT_GE(room > nent ? room : nent, cpuid->nent);
		free(cpuid);
	}
	free(whole);
}

TEST_HARNESS_MAIN
