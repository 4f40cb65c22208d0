// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory balloon: virtio 1.2, section 5.5. What the guest gives up, into the balloon or by
 * reporting it free, is punched out of the memfd behind it, and so goes back to the host. If the
 * guest touches it again, it gets zeroed memory, whether it has told so or not.
 *
 * What the guest names is checked against the regions of its memory. What isn't a page there, or is
 * named twice, is counted as an error and ignored. Nothing else is ever punched.
 */
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <uapi/linux/virtio_balloon.h>
#include <uapi/linux/virtio_ids.h>

#include "device.h"

/* 5.5.2, with all features. What the queues from the third on are for, see handle(). */
#define QUEUE_INFLATE	0
#define QUEUE_DEFLATE	1
#define QUEUE_STATS	2
#define QUEUES		5

/* Linux wants room for the 32 ranges that it reports at once. */
#define QUEUE_MAX	64

#define FEATURES	(BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ) | \
			 BIT_ULL(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) | \
			 BIT_ULL(VIRTIO_BALLOON_F_REPORTING))

/* The rest of the configuration belongs to features that aren't offered. */
#define CONFIG_BYTES	offsetof(struct virtio_balloon_config, free_page_hint_cmd_id)

#define PAGE		BIT_ULL(VIRTIO_BALLOON_PFN_SHIFT)

/* Page numbers that are taken at a time: as many as Linux sends in a request. */
#define PFNS		256

/* Statistics that are looked at in one buffer; newer drivers send more than we know. */
#define STATS		32

/* 5.5.6.3 */
struct stats_entry {
	__le16 tag;
	__le64 value;
} __packed;

static_assert(sizeof(struct stats_entry) == 10);

/* What a worker has to do for a queue. */
struct balloon_work {
	struct bulkhead_work work;
	struct bulkhead_balloon *balloon;
	unsigned int index;
};

/**
 * struct bulkhead_balloon - a balloon
 * @dev: the device
 * @works: by queue
 * @pfns: page numbers of the request that is served; under the lock of the queue for inflating
 * @stats_held: the buffer at the head of the queue of statistics has been read; under the lock of
 *	that queue, and while it is off
 * @stats_wanted: newer statistics are asked for; no lock
 * @stats_lock: protects @stats
 * @stats: what the guest last said
 * @reached: the guest has been seen to have what it is to have; under part->state_lock
 */
struct bulkhead_balloon {
	struct bulkhead_virtio dev;
	struct balloon_work works[QUEUES];
	u32 pfns[PFNS];
	bool stats_held;
	bool stats_wanted;
	spinlock_t stats_lock;		/* stats */
	struct bulkhead_balloon_stats stats;
	bool reached;
};

static struct bulkhead_balloon *to_balloon(struct bulkhead_virtio *dev)
{
	return container_of(dev, struct bulkhead_balloon, dev);
}

static void count_errors(struct bulkhead_balloon *balloon, u64 n)
{
	atomic64_add(n, &balloon->dev.count.errors);
}

/* Gives pages back to the host. Both @addr and @end are multiples of the page size. */
static void give_back(struct bulkhead_balloon *balloon, u64 addr, u64 end)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	const struct bulkhead_part *part = balloon->dev.part;
	u64 missing = end - addr;
	unsigned int i;

	for (i = 0; i < part->nr_mems; i++) {
		const struct bulkhead_mem *mem = &part->mems[i];
		u64 from = max(addr, mem->region.addr);
		u64 to = min(end, mem->region.addr + mem->region.bytes);

		if (from >= to)
			continue;
		missing -= to - from;
		/* A runner may have sealed its memfd against it. */
		if (vfs_fallocate(mem->file, mode, mem->offset + (from - mem->region.addr),
				  to - from))
			count_errors(balloon, 1);
		else
			atomic64_add(to - from, &balloon->dev.count.bytes);
	}
	if (missing)
		count_errors(balloon, 1);
}

static int pfn_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

/* Punching a range costs much less than punching its pages one by one. */
static void give_back_pfns(struct bulkhead_balloon *balloon, u32 *pfns, unsigned int n)
{
	unsigned int first, i;

	sort(pfns, n, sizeof(*pfns), pfn_compare, NULL);
	for (first = 0; first < n; first = i) {
		for (i = first + 1; i < n && pfns[i] - pfns[i - 1] <= 1; i++)
			if (pfns[i] == pfns[i - 1])
				count_errors(balloon, 1);
		give_back(balloon, PAGE * pfns[first], PAGE * pfns[i - 1] + PAGE);
	}
}

static ssize_t handle_inflate(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			      const struct bulkhead_chain *chain)
{
	struct bulkhead_balloon *balloon = to_balloon(dev);
	/* A request that names more pages than there are isn't followed to its end. */
	u64 end = min(chain->out_bytes, dev->part->memory / PAGE * sizeof(u32));
	u64 offset = 0;
	ssize_t len;

	lockdep_assert_held(&queue->lock);

	if (chain->out_bytes > end || chain->out_bytes % sizeof(u32))
		count_errors(balloon, 1);
	while (end - offset >= sizeof(u32)) {
		if (bulkhead_part_is_stopped(dev->part) || fatal_signal_pending(current))
			return -EAGAIN;
		len = bulkhead_chain_read(dev->part, chain, offset, balloon->pfns,
					  min(sizeof(balloon->pfns), end - offset));
		if (len < 0)
			return len;
		le32_to_cpu_array(balloon->pfns, len / sizeof(u32));
		give_back_pfns(balloon, balloon->pfns, len / sizeof(u32));
		offset += len;
		cond_resched();
	}
	return 0;
}

/* A range that the guest reports free: 5.5.6.7. */
static void give_back_range(struct bulkhead_balloon *balloon, u64 addr, u32 len)
{
	u64 end;

	if (check_add_overflow(addr, len, &end) || end > BULKHEAD_MEM_END) {
		count_errors(balloon, 1);
		return;
	}
	if (!IS_ALIGNED(addr | end, PAGE))
		count_errors(balloon, 1);
	addr = round_up(addr, PAGE);
	end = round_down(end, PAGE);
	if (addr < end)
		give_back(balloon, addr, end);
}

static ssize_t handle_report(struct bulkhead_virtio *dev, const struct bulkhead_chain *chain)
{
	unsigned int i;

	for (i = chain->nr_out; i < chain->nr_out + chain->nr_in; i++) {
		if (bulkhead_part_is_stopped(dev->part) || fatal_signal_pending(current))
			return -EAGAIN;
		give_back_range(to_balloon(dev), chain->segs[i].addr, chain->segs[i].len);
		cond_resched();
	}
	return 0;
}

static int stats_read(struct bulkhead_balloon *balloon, const struct bulkhead_chain *chain)
{
	struct bulkhead_balloon_stats stats = { .reported = ktime_get() };
	struct stats_entry entries[STATS];
	unsigned int i, tag;
	ssize_t len;

	len = bulkhead_chain_read(balloon->dev.part, chain, 0, entries, sizeof(entries));
	if (len < 0)
		return len;
	for (i = 0; i < len / sizeof(struct stats_entry); i++) {
		tag = le16_to_cpu(entries[i].tag);
		if (tag >= ARRAY_SIZE(stats.values))
			continue;
		stats.values[tag] = le64_to_cpu(entries[i].value);
		stats.present |= BIT(tag);
	}
	spin_lock(&balloon->stats_lock);
	balloon->stats = stats;
	spin_unlock(&balloon->stats_lock);
	return 0;
}

/*
 * The driver sends one buffer, and a newer one when it gets that back: 5.5.6.3. So the buffer waits
 * in the queue until somebody wants newer statistics.
 */
static ssize_t handle_stats(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
			    const struct bulkhead_chain *chain)
{
	struct bulkhead_balloon *balloon = to_balloon(dev);
	int ret;

	lockdep_assert_held(&queue->lock);

	if (!balloon->stats_held) {
		WRITE_ONCE(balloon->stats_wanted, false);
		ret = stats_read(balloon, chain);
		if (ret)
			return ret;
		balloon->stats_held = true;
		return -EAGAIN;
	}
	if (!READ_ONCE(balloon->stats_wanted))
		return -EAGAIN;
	WRITE_ONCE(balloon->stats_wanted, false);
	balloon->stats_held = false;
	return 0;
}

/*
 * By the specification the queue of reports is the fifth. Linux counts the queues that exist: so it
 * is the fourth, there being none of hints, or the third if there are no statistics either.
 */
static ssize_t handle(struct bulkhead_virtio *dev, struct bulkhead_queue *queue,
		      const struct bulkhead_chain *chain)
{
	unsigned int index = queue - dev->queues;

	if (index == QUEUE_INFLATE)
		return handle_inflate(dev, queue, chain);
	/* There is nothing to do for a page that leaves the balloon. */
	if (index == QUEUE_DEFLATE)
		return 0;
	if (index == QUEUE_STATS && bulkhead_virtio_has(dev, VIRTIO_BALLOON_F_STATS_VQ))
		return handle_stats(dev, queue, chain);
	if (bulkhead_virtio_has(dev, VIRTIO_BALLOON_F_REPORTING))
		return handle_report(dev, chain);
	return -EINVAL;
}

static void balloon_run(struct bulkhead_work *work)
{
	struct balloon_work *queue_work = container_of(work, struct balloon_work, work);

	bulkhead_virtio_serve(&queue_work->balloon->dev, queue_work->index, handle);
}

static void balloon_kick(struct bulkhead_virtio *dev, unsigned int index)
{
	bulkhead_work_queue(dev->part, &to_balloon(dev)->works[index].work);
}

/* Linux kicks for the first statistics before it is ready, and never again. */
static void balloon_start(struct bulkhead_virtio *dev)
{
	unsigned int i;

	for (i = 0; i < QUEUES; i++)
		balloon_kick(dev, i);
}

/* Both fields of the configuration say how much memory the guest is without. */
static u64 config_read(struct bulkhead_balloon *balloon, u32 offset)
{
	u64 memory = balloon->dev.part->memory;
	__le32 pages;

	spin_lock(&balloon->dev.config_lock);
	memcpy(&pages, balloon->dev.config + offset, sizeof(pages));
	spin_unlock(&balloon->dev.config_lock);
	return memory - min(memory, PAGE * le32_to_cpu(pages));
}

static u64 target(struct bulkhead_balloon *balloon)
{
	return config_read(balloon, offsetof(struct virtio_balloon_config, num_pages));
}

/* What its driver says, which may say anything. */
static u64 actual(struct bulkhead_balloon *balloon)
{
	return config_read(balloon, offsetof(struct virtio_balloon_config, actual));
}

static void actual_set(struct bulkhead_balloon *balloon, __le32 pages)
{
	spin_lock(&balloon->dev.config_lock);
	memcpy(balloon->dev.config + offsetof(struct virtio_balloon_config, actual), &pages,
	       sizeof(pages));
	spin_unlock(&balloon->dev.config_lock);
}

static void balloon_config_write(struct bulkhead_virtio *dev, u32 offset, const void *data,
				 u32 len)
{
	struct bulkhead_balloon *balloon = to_balloon(dev);
	__le32 pages;

	/* The other field is ours. */
	if (offset != offsetof(struct virtio_balloon_config, actual) || len != sizeof(pages))
		return;
	memcpy(&pages, data, sizeof(pages));
	actual_set(balloon, pages);

	guard(mutex)(&dev->part->state_lock);
	if (dev->part->state != BULKHEAD_STATE_RUNNING || balloon->reached ||
	    actual(balloon) != target(balloon))
		return;
	balloon->reached = true;
	bulkhead_netlink_notify(dev->part, BULKHEAD_CMD_PART_CHANGED);
}

/* A driver that starts anew has all its memory; the target remains. */
static void balloon_reset(struct bulkhead_virtio *dev)
{
	struct bulkhead_balloon *balloon = to_balloon(dev);

	actual_set(balloon, 0);
	balloon->stats_held = false;
	spin_lock(&balloon->stats_lock);
	balloon->stats = (struct bulkhead_balloon_stats){};
	spin_unlock(&balloon->stats_lock);
}

static void balloon_free(struct bulkhead_virtio *dev)
{
	bulkhead_virtio_destroy(dev);
	kfree(to_balloon(dev));
}

static const struct bulkhead_virtio_ops balloon_ops = {
	.id = VIRTIO_ID_BALLOON,
	.kick = balloon_kick,
	.config_write = balloon_config_write,
	.start = balloon_start,
	.reset = balloon_reset,
	.free = balloon_free,
};

static struct bulkhead_balloon *balloon_alloc(struct bulkhead_part *part)
{
	const struct virtio_balloon_config config = {};
	struct bulkhead_balloon *balloon;
	unsigned int i;
	int ret;

	balloon = kzalloc(sizeof(*balloon), GFP_KERNEL_ACCOUNT);
	if (!balloon)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&balloon->stats_lock);
	balloon->reached = true;
	for (i = 0; i < QUEUES; i++) {
		bulkhead_work_init(&balloon->works[i].work, balloon_run);
		balloon->works[i].balloon = balloon;
		balloon->works[i].index = i;
	}
	ret = bulkhead_virtio_init(&balloon->dev, part, &balloon_ops, QUEUES, QUEUE_MAX, FEATURES,
				   &config, CONFIG_BYTES);
	if (ret) {
		balloon_free(&balloon->dev);
		return ERR_PTR(ret);
	}
	return balloon;
}

/* A partition has one balloon at most: two would not know of each other's pages. */
static int balloon_claim(struct bulkhead_part *part, struct bulkhead_balloon *balloon)
{
	guard(mutex)(&part->state_lock);
	if (part->balloon)
		return -EEXIST;
	part->balloon = balloon;
	return 0;
}

static void balloon_unclaim(struct bulkhead_part *part)
{
	guard(mutex)(&part->state_lock);
	part->balloon = NULL;
}

/**
 * bulkhead_balloon_create - BULKHEAD_BALLOON_CREATE
 * @part: the partition
 * @uarg: its argument
 *
 * Return: the device's slot, or an error as documented there.
 */
int bulkhead_balloon_create(struct bulkhead_part *part, const void __user *uarg)
{
	struct bulkhead_balloon_create args;
	struct bulkhead_balloon *balloon;
	int ret;

	ret = bulkhead_runner_arg_in(part, &args, sizeof(args), uarg);
	if (ret)
		return ret;
	if (args.reserved)
		return -EINVAL;

	balloon = balloon_alloc(part);
	if (IS_ERR(balloon))
		return PTR_ERR(balloon);
	ret = balloon_claim(part, balloon);
	if (ret)
		goto free_balloon;
	ret = bulkhead_virtio_add(&balloon->dev, args.irq_fd);
	if (ret < 0)
		goto unclaim;
	return ret;

unclaim:
	balloon_unclaim(part);
free_balloon:
	balloon_free(&balloon->dev);
	return ret;
}

/**
 * bulkhead_balloon_is_ready - whether the guest drives the balloon
 * @balloon: the balloon
 *
 * Return: true if it does.
 */
bool bulkhead_balloon_is_ready(const struct bulkhead_balloon *balloon)
{
	return bulkhead_virtio_is_ready(&balloon->dev);
}

/**
 * bulkhead_balloon_target_set - say how much memory the guest is to have
 * @balloon: the balloon; part->state_lock held
 * @bytes: a multiple of the page size and no more than the partition's memory
 *
 * The guest comes there by and by, or not. Listeners are told of the target, and of its being
 * reached.
 */
void bulkhead_balloon_target_set(struct bulkhead_balloon *balloon, u64 bytes)
{
	struct bulkhead_part *part = balloon->dev.part;
	__le32 pages = cpu_to_le32((part->memory - bytes) / PAGE);

	lockdep_assert_held(&part->state_lock);

	balloon->reached = actual(balloon) == bytes;
	bulkhead_virtio_config_set(&balloon->dev, offsetof(struct virtio_balloon_config, num_pages),
				   &pages, sizeof(pages));
	bulkhead_netlink_notify(part, BULKHEAD_CMD_PART_CHANGED);
}

/**
 * bulkhead_balloon_report - what is known of the guest's memory
 * @balloon: the balloon; part->state_lock held
 * @report: filled in
 */
void bulkhead_balloon_report(struct bulkhead_balloon *balloon,
			     struct bulkhead_balloon_report *report)
{
	lockdep_assert_held(&balloon->dev.part->state_lock);

	report->target = target(balloon);
	report->actual = actual(balloon);
	spin_lock(&balloon->stats_lock);
	report->stats = balloon->stats;
	spin_unlock(&balloon->stats_lock);
}

/**
 * bulkhead_balloon_stats_ask - ask the guest for newer statistics
 * @balloon: the balloon
 *
 * They come by and by. A guest that has no driver isn't bothered.
 */
void bulkhead_balloon_stats_ask(struct bulkhead_balloon *balloon)
{
	if (!bulkhead_virtio_is_ready(&balloon->dev))
		return;
	WRITE_ONCE(balloon->stats_wanted, true);
	balloon_kick(&balloon->dev, QUEUE_STATS);
}
