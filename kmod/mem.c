// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: regions of a partition, each a mapping of a memfd in its runner. */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>

#include "bulkhead.h"
#include "kvm.h"

/* KVM's I/O APIC, local APICs, and the pages that KVM needs for itself. */
static const struct bulkhead_region apic_window = { 0xfec00000, 0x1400000 };

/* Whether the caller has mapped @file, shared and writable, from @addr on over @bytes. */
static bool is_mapped(struct file *file, u64 addr, u64 bytes)
{
	struct vm_area_struct *vma;
	bool mapped = true;
	u64 end = addr + bytes;

	mmap_read_lock(current->mm);
	for (; mapped && addr < end; addr = vma ? vma->vm_end : end) {
		vma = vma_lookup(current->mm, addr);
		mapped = vma && vma->vm_file && file_inode(vma->vm_file) == file_inode(file) &&
			 (vma->vm_flags & VM_SHARED) && (vma->vm_flags & VM_WRITE);
	}
	mmap_read_unlock(current->mm);
	return mapped;
}

static int memfd_check(int fd, u64 addr, u64 bytes)
{
	struct file *file = fget(fd);
	int ret = 0;

	if (!file)
		return -EBADF;
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		ret = -EBADF;
	else if (!shmem_mapping(file->f_mapping))
		ret = -EINVAL;
	else if (!is_mapped(file, addr, bytes))
		ret = -EFAULT;
	fput(file);
	return ret;
}

/**
 * bulkhead_mem_add - BULKHEAD_MEM_ADD
 * @part: the partition
 * @uarg: its argument
 *
 * Return: 0, or an error as documented there.
 */
int bulkhead_mem_add(struct bulkhead_part *part, const void __user *uarg)
{
	const u64 host = (u64)totalram_pages() << PAGE_SHIFT;
	struct bulkhead_region region, user;
	struct bulkhead_mem_add args;
	unsigned int i;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;

	region = (struct bulkhead_region){ args.guest_addr, args.bytes };
	user = (struct bulkhead_region){ args.user_addr, args.bytes };
	if (args.reserved || !bulkhead_region_fits(region, PAGE_SIZE, BULKHEAD_MEM_END) ||
	    !bulkhead_region_fits(user, PAGE_SIZE, TASK_SIZE_MAX))
		return -EINVAL;

	guard(mutex)(&part->lock);
	if (part->state != BULKHEAD_STATE_CREATED)
		return -EBUSY;
	if (bulkhead_region_overlaps(region, apic_window))
		return -EEXIST;
	for (i = 0; i < part->nr_mems; i++)
		if (bulkhead_region_overlaps(region, part->mems[i]))
			return -EEXIST;
	if (part->nr_mems == BULKHEAD_MEMS_MAX)
		return -ENOSPC;
	if (region.bytes > host || part->memory > host - region.bytes)
		return -EDQUOT;
	ret = memfd_check(args.fd, args.user_addr, args.bytes);
	if (ret)
		return ret;
	ret = bulkhead_kvm_mem_add(part->kvm, part->nr_mems, region.addr, region.bytes,
				   args.user_addr);
	if (ret)
		return ret;

	part->mems[part->nr_mems++] = region;
	guard(mutex)(&part->state_lock);
	part->memory += region.bytes;
	return 0;
}
