// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: regions of a partition, each a mapping of a memfd in its runner. Once the partition
 * runs, they don't change, and are read without a lock.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/uaccess.h>

#include "bulkhead.h"
#include "kvm.h"

/* The devices, KVM's I/O APIC and local APICs, and the pages that KVM needs for itself. */
static const struct bulkhead_region windows[] = {
	{ BULKHEAD_VIRTIO_ADDR, BULKHEAD_VIRTIO_MAX * BULKHEAD_VIRTIO_BYTES },
	{ 0xfec00000, 0x1400000 },
};

/*
 * Whether the caller has mapped @file, shared and writable, from @addr on over @bytes, in one piece
 * that begins at *@offset of the file.
 */
static bool is_mapped(struct file *file, u64 addr, u64 bytes, u64 *offset)
{
	u64 next = addr, end = addr + bytes, at;
	struct vm_area_struct *vma;
	bool mapped = true;

	mmap_read_lock(current->mm);
	for (; mapped && next < end; next = vma ? vma->vm_end : end) {
		vma = vma_lookup(current->mm, next);
		mapped = vma && vma->vm_file && file_inode(vma->vm_file) == file_inode(file) &&
			 (vma->vm_flags & VM_SHARED) && (vma->vm_flags & VM_WRITE);
		if (!mapped)
			break;
		at = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (next - vma->vm_start);
		if (next == addr)
			*offset = at;
		mapped = at - *offset == next - addr;
	}
	mmap_read_unlock(current->mm);
	return mapped;
}

/* The memfd @fd if it is mapped at @addr; where in it, goes to *@offset. */
static struct file *memfd_get(int fd, u64 addr, u64 bytes, u64 *offset)
{
	struct file *file = fget(fd);
	int ret = 0;

	if (!file)
		return ERR_PTR(-EBADF);
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		ret = -EBADF;
	else if (!shmem_mapping(file->f_mapping))
		ret = -EINVAL;
	else if (!is_mapped(file, addr, bytes, offset))
		ret = -EFAULT;
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

static bool is_taken(const struct bulkhead_part *part, struct bulkhead_region region)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(windows); i++)
		if (bulkhead_region_overlaps(region, windows[i]))
			return true;
	for (i = 0; i < part->nr_mems; i++)
		if (bulkhead_region_overlaps(region, part->mems[i].region))
			return true;
	return false;
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
	struct file *file;
	u64 offset;
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
	if (is_taken(part, region))
		return -EEXIST;
	if (part->nr_mems == BULKHEAD_MEMS_MAX)
		return -ENOSPC;
	if (region.bytes > host || part->memory > host - region.bytes)
		return -EDQUOT;
	file = memfd_get(args.fd, args.user_addr, args.bytes, &offset);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = bulkhead_kvm_mem_add(part->kvm, part->nr_mems, region.addr, region.bytes,
				   args.user_addr);
	if (ret) {
		fput(file);
		return ret;
	}

	part->mems[part->nr_mems++] = (struct bulkhead_mem){
		.region = region,
		.user_addr = args.user_addr,
		.file = file,
		.offset = offset,
	};
	guard(mutex)(&part->state_lock);
	part->memory += region.bytes;
	return 0;
}

/**
 * bulkhead_mem_free - let the memfds go
 * @part: the partition; torn down
 */
void bulkhead_mem_free(struct bulkhead_part *part)
{
	unsigned int i;

	for (i = 0; i < part->nr_mems; i++)
		fput(part->mems[i].file);
}

/**
 * bulkhead_mem_user - where the runner sees guest memory
 * @part: the partition; running
 * @addr: guest physical address
 * @len: bytes
 *
 * Return: a user address in the runner, or NULL if not all of it lies in one region. The runner may
 * have unmapped what is there.
 */
void __user *bulkhead_mem_user(struct bulkhead_part *part, u64 addr, u64 len)
{
	const struct bulkhead_mem *mem;
	u64 offset;

	for (mem = part->mems; mem < part->mems + part->nr_mems; mem++) {
		offset = addr - mem->region.addr;
		if (offset < mem->region.bytes && len <= mem->region.bytes - offset)
			return u64_to_user_ptr(mem->user_addr + offset);
	}
	return NULL;
}

/* As bulkhead_mem_user(), for a thread that is going to follow the address. */
static void __user *own_mem(struct bulkhead_part *part, u64 addr, u64 len)
{
	return WARN_ON_ONCE(current->mm != part->mm) ? NULL : bulkhead_mem_user(part, addr, len);
}

/**
 * bulkhead_mem_read - copy from guest memory
 * @part: the partition; running
 * @addr: guest physical address
 * @to: the copy
 * @len: bytes
 *
 * Context: a thread of the runner; may sleep.
 * Return: 0, or -EFAULT if there is no memory.
 */
int bulkhead_mem_read(struct bulkhead_part *part, u64 addr, void *to, size_t len)
{
	const void __user *from = own_mem(part, addr, len);

	return !from || copy_from_user(to, from, len) ? -EFAULT : 0;
}

/**
 * bulkhead_mem_write - copy to guest memory
 * @part: the partition; running
 * @addr: guest physical address
 * @from: what is copied
 * @len: bytes
 *
 * Context: a thread of the runner; may sleep.
 * Return: 0, or -EFAULT if there is no memory.
 */
int bulkhead_mem_write(struct bulkhead_part *part, u64 addr, const void *from, size_t len)
{
	void __user *to = own_mem(part, addr, len);

	return !to || copy_to_user(to, from, len) ? -EFAULT : 0;
}

/**
 * bulkhead_mem_read16 - read 16 bits of guest memory at once
 * @part: the partition; running
 * @addr: guest physical address, even
 * @value: what is read
 *
 * Context: a thread of the runner; may sleep.
 * Return: 0, or -EFAULT if there is no memory.
 */
int bulkhead_mem_read16(struct bulkhead_part *part, u64 addr, __le16 *value)
{
	const __le16 __user *from = own_mem(part, addr, sizeof(*value));

	return !from || get_user(*value, from) ? -EFAULT : 0;
}

/**
 * bulkhead_mem_write16 - write 16 bits of guest memory at once
 * @part: the partition; running
 * @addr: guest physical address, even
 * @value: what is written
 *
 * Context: a thread of the runner; may sleep.
 * Return: 0, or -EFAULT if there is no memory.
 */
int bulkhead_mem_write16(struct bulkhead_part *part, u64 addr, __le16 value)
{
	__le16 __user *to = own_mem(part, addr, sizeof(value));

	return !to || put_user(value, to) ? -EFAULT : 0;
}
