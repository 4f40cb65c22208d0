// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks: virtio 1.2, section 5.2, on a regular file or a block device.
 *
 * Each queue is served by one worker at a time, in the order of its requests, through the host's
 * page cache. A worker is a thread of the runner: the file is accessed with its credentials, and
 * the guest's memory directly. Whatever the backing says, the guest gets an answer; only if the
 * worker itself is being interrupted, to stop or to die, the request stays in the queue for
 * another.
 */
#include <linux/blkdev.h>
#include <linux/bvec.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/virtio_byteorder.h>
#include <uapi/linux/virtio_blk.h>
#include <uapi/linux/virtio_ids.h>

#include "device.h"

#define QUEUE_MAX	256

/* Buffers of a request besides its header and its status. */
#define SEGMENTS_MAX	(QUEUE_MAX - 2)

/*
 * Ranges of a request to discard or to write zeroes, and sectors of one. The queue waits for them,
 * and zeroes may have to be written one by one.
 */
#define RANGES_MAX		16
#define RANGE_SECTORS_MAX	(SZ_64M >> SECTOR_SHIFT)

/* Pages of zeroes that are written at a time. */
#define ZERO_PAGES		16

/* The driver has no use for what follows: it isn't offered to erase securely, nor zones. */
#define CONFIG_BYTES	offsetof(struct virtio_blk_config, max_secure_erase_sectors)

struct disk_queue {
	struct bulkhead_work work;
	struct bulkhead_disk *disk;
	unsigned int index;
	struct iovec *iov;		/* of the request in hand; under the queue's lock */
};

/**
 * struct bulkhead_disk - a disk
 * @dev: the device
 * @file: the backing; NULL once the partition is gone
 * @serial: padded with zeroes; there is no last one if it is long
 * @size_lock: protects writing of @file and @capacity, and the order of the latter in the
 *	configuration
 * @capacity: sectors; read without a lock
 * @queues: what the disk adds to the device's queues
 */
struct bulkhead_disk {
	struct bulkhead_virtio dev;
	struct file *file;
	char serial[VIRTIO_BLK_ID_BYTES];
	struct mutex size_lock;		/* file, capacity */
	u64 capacity;
	struct disk_queue queues[];
};

/* Where virtio doesn't say little endian, version 1 does. */
static u32 from_virtio32(__virtio32 value)
{
	return __virtio32_to_cpu(true, value);
}

static __virtio16 to_virtio16(u16 value)
{
	return __cpu_to_virtio16(true, value);
}

static __virtio32 to_virtio32(u32 value)
{
	return __cpu_to_virtio32(true, value);
}

static __virtio64 to_virtio64(u64 value)
{
	return __cpu_to_virtio64(true, value);
}

static struct bulkhead_disk *to_disk(struct bulkhead_virtio *dev)
{
	return container_of(dev, struct bulkhead_disk, dev);
}

/* The block device that backs a disk, or NULL if it's a file. */
static struct block_device *backing_bdev(const struct file *file)
{
	return S_ISBLK(file_inode(file)->i_mode) ? I_BDEV(file->f_mapping->host) : NULL;
}

static bool within_capacity(const struct bulkhead_disk *disk, u64 sector, u64 count)
{
	u64 capacity = READ_ONCE(disk->capacity);

	return sector <= capacity && count <= capacity - sector;
}

/* To write beyond this limit would signal the runner, which ends it; the guest gets an error. */
static bool exceeds_limit(const struct bulkhead_disk *disk, u64 end)
{
	return end > rlimit(RLIMIT_FSIZE) && S_ISREG(file_inode(disk->file)->i_mode);
}

/* Without the means to flush, what is complete is stable; 5.2.6.2. */
static bool is_writethrough(const struct bulkhead_disk *disk)
{
	return !bulkhead_virtio_has(&disk->dev, VIRTIO_BLK_F_FLUSH);
}

/* Whether the worker has to leave, so that a request that takes long is left for another. */
static bool must_leave(const struct bulkhead_disk *disk)
{
	return signal_pending(current) || bulkhead_part_is_stopped(disk->dev.part);
}

static int transfer(struct bulkhead_disk *disk, struct iov_iter *iter, loff_t pos, bool write)
{
	rwf_t flags = write && is_writethrough(disk) ? RWF_DSYNC : 0;
	ssize_t n;

	if (write && exceeds_limit(disk, pos + iov_iter_count(iter)))
		return -EFBIG;
	while (iov_iter_count(iter)) {
		n = write ? vfs_iter_write(disk->file, iter, &pos, flags) :
			    vfs_iter_read(disk->file, iter, &pos, 0);
		if (n < 0)
			return n;
		/* The backing has become shorter than the disk. */
		if (!n)
			return -EIO;
	}
	return 0;
}

static int read_write(struct bulkhead_disk *disk, const struct bulkhead_chain *chain,
		      struct iovec *iov, u64 sector, bool write)
{
	u64 offset = write ? sizeof(struct virtio_blk_outhdr) : 0;
	u64 len = write ? chain->out_bytes - offset : chain->in_bytes - 1;
	struct iov_iter iter;
	int n, ret;

	if (len % SECTOR_SIZE || len > MAX_RW_COUNT ||
	    !within_capacity(disk, sector, len >> SECTOR_SHIFT))
		return -EINVAL;
	n = bulkhead_chain_iov(disk->dev.part, chain, !write, offset, len, iov, QUEUE_MAX);
	if (n < 0)
		return n;
	iov_iter_init(&iter, write ? ITER_SOURCE : ITER_DEST, iov, n, len);
	ret = transfer(disk, &iter, sector << SECTOR_SHIFT, write);
	if (!ret)
		atomic64_add(len, &disk->dev.count.bytes);
	return ret;
}

/* For a backing that doesn't know how to. */
static int write_zeroes(struct bulkhead_disk *disk, loff_t pos, u64 len)
{
	struct bio_vec pages[ZERO_PAGES];
	struct iov_iter iter;
	unsigned int i;
	u64 count;
	int ret;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		bvec_set_page(&pages[i], ZERO_PAGE(0), PAGE_SIZE, 0);
	for (; len; len -= count, pos += count) {
		if (must_leave(disk))
			return -EINTR;
		count = min_t(u64, len, ZERO_PAGES * PAGE_SIZE);
		iov_iter_bvec(&iter, ITER_SOURCE, pages, DIV_ROUND_UP(count, PAGE_SIZE), count);
		ret = transfer(disk, &iter, pos, true);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* What is discarded reads as zeroes, whichever the backing. */
static int discard(struct bulkhead_disk *disk, loff_t pos, u64 len)
{
	return vfs_fallocate(disk->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos, len);
}

static int zero(struct bulkhead_disk *disk, loff_t pos, u64 len, bool unmap)
{
	int ret;

	if (exceeds_limit(disk, pos + len))
		return -EFBIG;
	ret = unmap ? discard(disk, pos, len) : -EOPNOTSUPP;
	if (ret == -EOPNOTSUPP)
		ret = vfs_fallocate(disk->file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, pos,
				    len);
	return ret == -EOPNOTSUPP ? write_zeroes(disk, pos, len) : ret;
}

static int check_range(const struct bulkhead_disk *disk,
		       const struct virtio_blk_discard_write_zeroes *range, u32 flags)
{
	u32 sectors = le32_to_cpu(range->num_sectors);

	if (le32_to_cpu(range->flags) & ~flags)
		return -EOPNOTSUPP;
	if (sectors > RANGE_SECTORS_MAX ||
	    !within_capacity(disk, le64_to_cpu(range->sector), sectors))
		return -EINVAL;
	return 0;
}

static int discard_or_zero(struct bulkhead_disk *disk, const struct bulkhead_chain *chain,
			   bool zeroes)
{
	struct virtio_blk_discard_write_zeroes ranges[RANGES_MAX];
	u64 header = sizeof(struct virtio_blk_outhdr);
	u64 bytes = chain->out_bytes - header;
	u64 pos, len;
	size_t i, n;
	bool unmap;
	int ret;

	if (!bytes || bytes % sizeof(ranges[0]) || bytes > sizeof(ranges))
		return -EINVAL;
	n = bytes / sizeof(ranges[0]);
	if (bulkhead_chain_read(disk->dev.part, chain, header, ranges, bytes) < 0)
		return -EFAULT;
	for (i = 0; i < n; i++) {
		ret = check_range(disk, &ranges[i],
				  zeroes ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0);
		if (ret)
			return ret;
	}

	for (i = 0; i < n; i++) {
		pos = le64_to_cpu(ranges[i].sector) << SECTOR_SHIFT;
		len = (u64)le32_to_cpu(ranges[i].num_sectors) << SECTOR_SHIFT;
		unmap = le32_to_cpu(ranges[i].flags) & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		if (!len)
			continue;
		ret = zeroes ? zero(disk, pos, len, unmap) : discard(disk, pos, len);
		if (ret)
			return ret;
	}
	return is_writethrough(disk) ? vfs_fsync(disk->file, 1) : 0;
}

static int get_id(struct bulkhead_disk *disk, const struct bulkhead_chain *chain)
{
	u64 len = min_t(u64, chain->in_bytes - 1, sizeof(disk->serial));
	ssize_t n = bulkhead_chain_write(disk->dev.part, chain, 0, disk->serial, len);

	return n < 0 ? n : 0;
}

/* Returns -EOPNOTSUPP for what the disk can't do, 0, or another error. */
static int execute(struct bulkhead_disk *disk, const struct bulkhead_chain *chain,
		   struct iovec *iov, const struct virtio_blk_outhdr *header)
{
	u64 sector = __virtio64_to_cpu(true, header->sector);
	struct bulkhead_virtio *dev = &disk->dev;

	switch (from_virtio32(header->type)) {
	case VIRTIO_BLK_T_IN:
		return read_write(disk, chain, iov, sector, false);
	case VIRTIO_BLK_T_OUT:
		if (dev->features & BIT_ULL(VIRTIO_BLK_F_RO))
			return -EROFS;
		return read_write(disk, chain, iov, sector, true);
	case VIRTIO_BLK_T_FLUSH:
		return vfs_fsync(disk->file, 1);
	case VIRTIO_BLK_T_GET_ID:
		return get_id(disk, chain);
	case VIRTIO_BLK_T_DISCARD:
		if (!bulkhead_virtio_has(dev, VIRTIO_BLK_F_DISCARD))
			return -EOPNOTSUPP;
		return discard_or_zero(disk, chain, false);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		if (!bulkhead_virtio_has(dev, VIRTIO_BLK_F_WRITE_ZEROES))
			return -EOPNOTSUPP;
		return discard_or_zero(disk, chain, true);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * The rest of the answer is in front of the status, whose byte is the last one; nothing is said of
 * bytes that weren't written.
 */
static ssize_t disk_handle(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			   const struct bulkhead_chain *chain)
{
	struct bulkhead_disk *disk = to_disk(dev);
	struct disk_queue *own = &disk->queues[queue - dev->queues];
	struct virtio_blk_outhdr header;
	u8 status = VIRTIO_BLK_S_OK;
	ssize_t n;
	int ret;

	if (!chain->in_bytes)
		return -EINVAL;
	n = bulkhead_chain_read(dev->part, chain, 0, &header, sizeof(header));
	if (n != sizeof(header))
		return n < 0 ? n : -EINVAL;

	ret = execute(disk, chain, own->iov, &header);
	if ((ret == -EINTR || ret == -ERESTARTSYS) && must_leave(disk)) {
		bulkhead_work_queue(dev->part, &own->work);
		return -EAGAIN;
	}
	if (ret) {
		status = ret == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
		atomic64_inc(&dev->count.errors);
	}
	n = bulkhead_chain_write(dev->part, chain, chain->in_bytes - 1, &status, sizeof(status));
	if (n < 0)
		return n;
	return ret && chain->in_bytes > sizeof(status) ? 0 : chain->in_bytes;
}

static void disk_work(struct bulkhead_work *work)
{
	struct disk_queue *own = container_of(work, struct disk_queue, work);

	bulkhead_virtio_serve(&own->disk->dev, own->index, disk_handle);
}

static void disk_kick(struct bulkhead_virtio *dev, unsigned int index)
{
	bulkhead_work_queue(dev->part, &to_disk(dev)->queues[index].work);
}

/* An open file may be locked; the next partition with this disk doesn't wait for who looks on. */
static void disk_release(struct bulkhead_virtio *dev)
{
	struct bulkhead_disk *disk = to_disk(dev);

	guard(mutex)(&disk->size_lock);
	fput(disk->file);
	disk->file = NULL;
}

static void disk_free(struct bulkhead_virtio *dev)
{
	struct bulkhead_disk *disk = to_disk(dev);
	unsigned int i;

	for (i = 0; i < dev->nr_queues; i++)
		kvfree(disk->queues[i].iov);
	bulkhead_virtio_destroy(dev);
	mutex_destroy(&disk->size_lock);
	if (disk->file)
		fput(disk->file);
	kfree(disk);
}

static const struct bulkhead_virtio_ops disk_ops = {
	.id = VIRTIO_ID_BLOCK,
	.kick = disk_kick,
	.release = disk_release,
	.free = disk_free,
};

/* The backing's present size, or an error. */
static loff_t backing_size(struct file *file)
{
	struct block_device *bdev = backing_bdev(file);
	struct kstat stat;
	int ret;

	if (bdev)
		return bdev_nr_bytes(bdev);
	ret = vfs_getattr(&file->f_path, &stat, STATX_SIZE, AT_STATX_FORCE_SYNC);
	return ret ?: stat.size;
}

/**
 * bulkhead_disk_rescan - look at the size of a disk's backing again, and tell the driver
 * @dev: the device; nothing happens if it is no disk
 *
 * Context: any task; may sleep.
 * Return: 0, -ENODEV if the partition is gone, or the error with which the backing answers.
 */
int bulkhead_disk_rescan(struct bulkhead_virtio *dev)
{
	struct bulkhead_disk *disk = to_disk(dev);
	__virtio64 capacity;
	loff_t size;

	if (dev->ops != &disk_ops)
		return 0;

	guard(mutex)(&disk->size_lock);
	if (!disk->file)
		return -ENODEV;
	size = backing_size(disk->file);
	if (size < 0)
		return size;
	if (disk->capacity == size >> SECTOR_SHIFT)
		return 0;
	WRITE_ONCE(disk->capacity, size >> SECTOR_SHIFT);
	capacity = to_virtio64(disk->capacity);
	bulkhead_virtio_config_set(dev, offsetof(struct virtio_blk_config, capacity), &capacity,
				   sizeof(capacity));
	return 0;
}

static struct file *backing_get(int fd, bool read_only)
{
	struct file *file = fget(fd);
	fmode_t mode = FMODE_READ | FMODE_CAN_READ;
	int ret = 0;
	umode_t type;

	if (!file)
		return ERR_PTR(-EBADF);
	if (!read_only)
		mode |= FMODE_WRITE | FMODE_CAN_WRITE;
	type = file_inode(file)->i_mode;
	/* What appends doesn't write where it is told to. */
	if ((!S_ISREG(type) && !S_ISBLK(type)) || (file->f_flags & O_APPEND))
		ret = -EINVAL;
	else if ((file->f_mode & mode) != mode)
		ret = -EBADF;
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

static bool serial_is_wellformed(const char *serial)
{
	size_t len = strnlen(serial, VIRTIO_BLK_ID_BYTES);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(serial[i]) || !isprint(serial[i]))
			return false;
	return !memchr_inv(serial + len, 0, VIRTIO_BLK_ID_BYTES - len);
}

/* Whether what is freed in the backing can be given back to where it came from. */
static bool can_discard(const struct file *file)
{
	struct block_device *bdev = backing_bdev(file);

	return bdev ? bdev_write_zeroes_sectors(bdev) : !!file->f_op->fallocate;
}

/* Sizes of blocks: what the guest may address, and what the backing likes best. */
static void config_set_blocks(struct virtio_blk_config *config, const struct file *file)
{
	struct block_device *bdev = backing_bdev(file);
	u32 logical = bdev ? bdev_logical_block_size(bdev) : SECTOR_SIZE;
	u32 physical = bdev ? bdev_physical_block_size(bdev) : i_blocksize(file_inode(file));

	physical = max(physical, logical);
	config->blk_size = to_virtio32(logical);
	config->physical_block_exp = ilog2(physical / logical);
	config->min_io_size = to_virtio16(min_t(u32, physical / logical, U16_MAX));
	config->discard_sector_alignment = to_virtio32(physical >> SECTOR_SHIFT);
}

static u64 disk_configure(const struct bulkhead_disk *disk, bool read_only, unsigned int nr_queues,
			  struct virtio_blk_config *config)
{
	u64 features = BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
		       BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) | BIT_ULL(VIRTIO_BLK_F_FLUSH);

	config->capacity = to_virtio64(disk->capacity);
	config->seg_max = to_virtio32(SEGMENTS_MAX);
	config_set_blocks(config, disk->file);
	config->num_queues = to_virtio16(nr_queues);
	config->max_discard_sectors = to_virtio32(RANGE_SECTORS_MAX);
	config->max_discard_seg = to_virtio32(RANGES_MAX);
	config->max_write_zeroes_sectors = to_virtio32(RANGE_SECTORS_MAX);
	config->max_write_zeroes_seg = to_virtio32(RANGES_MAX);
	config->write_zeroes_may_unmap = can_discard(disk->file);

	if (nr_queues > 1)
		features |= BIT_ULL(VIRTIO_BLK_F_MQ);
	if (read_only)
		return features | BIT_ULL(VIRTIO_BLK_F_RO);
	if (can_discard(disk->file))
		features |= BIT_ULL(VIRTIO_BLK_F_DISCARD);
	return features | BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES);
}

static struct bulkhead_disk *disk_alloc(struct bulkhead_part *part, struct file *file,
					const struct bulkhead_disk_create *args)
{
	loff_t size = backing_size(file);
	struct virtio_blk_config config = { };
	struct bulkhead_disk *disk;
	unsigned int i;
	u64 features;
	int ret;

	if (size < 0)
		return ERR_PTR(size);
	if (!size || size % SECTOR_SIZE)
		return ERR_PTR(-EINVAL);
	disk = kzalloc(struct_size(disk, queues, args->queues), GFP_KERNEL_ACCOUNT);
	if (!disk)
		return ERR_PTR(-ENOMEM);
	disk->file = get_file(file);
	disk->capacity = size >> SECTOR_SHIFT;
	memcpy(disk->serial, args->serial, sizeof(disk->serial));
	mutex_init(&disk->size_lock);
	features = disk_configure(disk, args->flags & BULKHEAD_DISK_READ_ONLY, args->queues,
				  &config);
	ret = bulkhead_virtio_init(&disk->dev, part, &disk_ops, args->queues, QUEUE_MAX, features,
				   &config, CONFIG_BYTES);
	for (i = 0; !ret && i < args->queues; i++) {
		bulkhead_work_init(&disk->queues[i].work, disk_work);
		disk->queues[i].disk = disk;
		disk->queues[i].index = i;
		disk->queues[i].iov = kvcalloc(QUEUE_MAX, sizeof(struct iovec), GFP_KERNEL_ACCOUNT);
		if (!disk->queues[i].iov)
			ret = -ENOMEM;
	}
	if (ret) {
		disk_free(&disk->dev);
		return ERR_PTR(ret);
	}
	return disk;
}

/**
 * bulkhead_disk_create - BULKHEAD_DISK_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: the device's slot, or an error as documented there.
 */
int bulkhead_disk_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_disk_create args;
	struct bulkhead_disk *disk;
	struct file *file;
	int ret;

	ret = bulkhead_runner_flags_in(part, &args, sizeof(args), BULKHEAD_DISK_READ_ONLY, uarg);
	if (ret)
		return ret;
	if (args.reserved || !args.queues || args.queues > BULKHEAD_DISK_QUEUES_MAX ||
	    !serial_is_wellformed(args.serial))
		return -EINVAL;

	file = backing_get(args.fd, args.flags & BULKHEAD_DISK_READ_ONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	disk = disk_alloc(part, file, &args);
	fput(file);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	ret = bulkhead_virtio_add(&disk->dev, args.irq_fd);
	if (ret < 0)
		disk_free(&disk->dev);
	return ret;
}
