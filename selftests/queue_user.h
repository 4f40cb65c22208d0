/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kmod/virtio/queue.c and chain.c want of the kernel, in user space. Guest memory is what the
 * program that includes them says: it defines the functions at the end.
 */
#ifndef SELFTESTS_QUEUE_USER_H
#define SELFTESTS_QUEUE_USER_H

#include <endian.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define U64_MAX		UINT64_MAX
#define __user

#define cpu_to_le16(x)	htole16(x)
#define cpu_to_le32(x)	htole32(x)
#define le16_to_cpu(x)	le16toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le64_to_cpu(x)	le64toh(x)

#define check_add_overflow(a, b, sum)	__builtin_add_overflow(a, b, sum)
#define min_t(type, a, b)		({ type a_ = (a), b_ = (b); a_ < b_ ? a_ : b_; })

#define virt_mb		__sync_synchronize
#define virt_rmb	__sync_synchronize
#define virt_wmb	__sync_synchronize

/* Nobody else is there. */
struct mutex { };

struct bulkhead_part;

void *bulkhead_mem_user(struct bulkhead_part *part, u64 addr, u64 len);
int bulkhead_mem_read(struct bulkhead_part *part, u64 addr, void *to, size_t len);
int bulkhead_mem_write(struct bulkhead_part *part, u64 addr, const void *from, size_t len);
int bulkhead_mem_read16(struct bulkhead_part *part, u64 addr, __le16 *value);
int bulkhead_mem_write16(struct bulkhead_part *part, u64 addr, __le16 value);

#endif
