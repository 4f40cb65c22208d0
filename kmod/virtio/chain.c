// SPDX-License-Identifier: GPL-2.0-only
/* The buffers of a request, as one stream of bytes to read and one to write. */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/minmax.h>

#include "../bulkhead.h"
#else
#include <errno.h>
#endif
#include "queue.h"

/* A position in the buffers of one direction. */
struct cursor {
	const struct bulkhead_segment *seg;
	const struct bulkhead_segment *end;
	u32 skip;		/* of *seg */
};

static struct cursor cursor_at(const struct bulkhead_chain *chain, bool in, u64 offset)
{
	struct cursor cur = {
		.seg = chain->segs + (in ? chain->nr_out : 0),
		.end = chain->segs + chain->nr_out + (in ? chain->nr_in : 0),
	};

	while (cur.seg < cur.end && offset >= cur.seg->len)
		offset -= cur.seg++->len;
	cur.skip = offset;
	return cur;
}

/* What of @len bytes lies in one buffer; zero at the end. */
static u32 cursor_run(const struct cursor *cur, u64 len)
{
	return cur->seg < cur->end ? min_t(u64, len, cur->seg->len - cur->skip) : 0;
}

static u64 cursor_addr(const struct cursor *cur)
{
	return cur->seg->addr + cur->skip;
}

static void cursor_advance(struct cursor *cur, u32 run)
{
	cur->skip += run;
	if (cur->skip == cur->seg->len) {
		cur->seg++;
		cur->skip = 0;
	}
}

/**
 * bulkhead_chain_read - copy from the buffers that the device reads
 * @part: the partition
 * @chain: the request
 * @offset: first byte
 * @to: the copy
 * @len: bytes
 *
 * Return: the number of bytes copied, fewer than @len at the end, or -EFAULT.
 */
ssize_t bulkhead_chain_read(struct bulkhead_part *part, const struct bulkhead_chain *chain,
			    u64 offset, void *to, size_t len)
{
	struct cursor cur = cursor_at(chain, false, offset);
	size_t done;
	u32 run;

	for (done = 0; (run = cursor_run(&cur, len - done)); done += run) {
		if (bulkhead_mem_read(part, cursor_addr(&cur), to + done, run))
			return -EFAULT;
		cursor_advance(&cur, run);
	}
	return done;
}

/**
 * bulkhead_chain_write - copy to the buffers that the device writes
 * @part: the partition
 * @chain: the request
 * @offset: first byte
 * @from: what is copied
 * @len: bytes
 *
 * Return: the number of bytes copied, fewer than @len at the end, or -EFAULT.
 */
ssize_t bulkhead_chain_write(struct bulkhead_part *part, const struct bulkhead_chain *chain,
			     u64 offset, const void *from, size_t len)
{
	struct cursor cur = cursor_at(chain, true, offset);
	size_t done;
	u32 run;

	for (done = 0; (run = cursor_run(&cur, len - done)); done += run) {
		if (bulkhead_mem_write(part, cursor_addr(&cur), from + done, run))
			return -EFAULT;
		cursor_advance(&cur, run);
	}
	return done;
}

/**
 * bulkhead_chain_iov - a request's buffers where the runner sees them
 * @part: the partition
 * @chain: the request
 * @in: those that the device writes, else those that it reads
 * @offset: first byte
 * @len: bytes
 * @iov: the buffers, as user addresses
 * @max: room in @iov
 *
 * Return: the number of entries used, which hold fewer than @len bytes if the buffers do; -EFAULT
 * if one isn't in guest memory, -E2BIG if there are more than @max.
 */
int bulkhead_chain_iov(struct bulkhead_part *part, const struct bulkhead_chain *chain, bool in,
		       u64 offset, u64 len, struct iovec *iov, unsigned int max)
{
	struct cursor cur = cursor_at(chain, in, offset);
	unsigned int n;
	u32 run;

	for (n = 0; (run = cursor_run(&cur, len)); n++) {
		if (n == max)
			return -E2BIG;
		iov[n].iov_base = bulkhead_mem_user(part, cursor_addr(&cur), run);
		iov[n].iov_len = run;
		if (!iov[n].iov_base)
			return -EFAULT;
		len -= run;
		cursor_advance(&cur, run);
	}
	return n;
}
