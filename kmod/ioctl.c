// SPDX-License-Identifier: GPL-2.0-only
/* What all ioctls share: arguments that can grow, and descriptors that are published last. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "bulkhead.h"

/* How every argument begins. */
struct arg_header {
	u32 size;
	u32 flags;
};

static int arg_in(void *arg, size_t size, u32 flags, const void __user *uarg)
{
	struct arg_header *header = arg;
	u32 usize;
	int ret;

	if (get_user(usize, (const u32 __user *)uarg))
		return -EFAULT;
	if (usize < size)
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(arg, size, uarg, usize);
	if (ret)
		return ret;
	return header->flags & ~flags ? -EINVAL : 0;
}

/**
 * bulkhead_arg_in - copy an ioctl's argument from its caller
 * @arg: the copy
 * @size: its size, that of the first version of the structure
 * @uarg: the caller's
 *
 * Return: 0 or one of the errors common to all ioctls, see uapi/linux/bulkhead.h.
 */
int bulkhead_arg_in(void *arg, size_t size, const void __user *uarg)
{
	return arg_in(arg, size, 0, uarg);
}

/**
 * bulkhead_runner_arg_in - copy the argument of an ioctl that is the runner's alone
 * @part: the partition
 * @arg: the copy
 * @size: its size, that of the first version of the structure
 * @uarg: the caller's
 *
 * Return: 0, -EPERM if the caller isn't the runner, or an error of bulkhead_arg_in().
 */
int bulkhead_runner_arg_in(const struct bulkhead_part *part, void *arg, size_t size,
			   const void __user *uarg)
{
	return bulkhead_runner_flags_in(part, arg, size, 0, uarg);
}

/**
 * bulkhead_runner_flags_in - as bulkhead_runner_arg_in(), of an ioctl that has flags
 * @part: the partition
 * @arg: the copy
 * @size: its size, that of the first version of the structure
 * @flags: those that it may have
 * @uarg: the caller's
 *
 * Return: 0, or an error of bulkhead_runner_arg_in().
 */
int bulkhead_runner_flags_in(const struct bulkhead_part *part, void *arg, size_t size, u32 flags,
			     const void __user *uarg)
{
	return part->mm == current->mm ? arg_in(arg, size, flags, uarg) : -EPERM;
}

/**
 * bulkhead_fd_reserve - make a descriptor and its file, without publishing it
 * @name: of the anonymous inode
 * @fops: the file's operations
 * @private: the file's private data, which its release frees
 * @filep: the file
 *
 * Return: the descriptor, to be given to fd_install() or bulkhead_fd_cancel(), or an error; then
 * @private is still the caller's.
 */
int bulkhead_fd_reserve(const char *name, const struct file_operations *fops, void *private,
			struct file **filep)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile_fmode(name, fops, private, O_RDWR, FMODE_LSEEK);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	*filep = file;
	return fd;
}

/**
 * bulkhead_fd_cancel - undo bulkhead_fd_reserve(), releasing the file
 * @fd: the descriptor
 * @file: the file
 */
void bulkhead_fd_cancel(int fd, struct file *file)
{
	put_unused_fd(fd);
	fput(file);
}
