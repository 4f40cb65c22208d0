// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory balloon: what the guest gives up is gone from the memfds, and nothing else, whatever
 * it names; and the netlink operations on it. The guest has two regions with a hole between them.
 */
#include <linux/virtio_balloon.h>
#include <sys/stat.h>

#include "request.h"
#include "virtio.h"

#define PAGE		4096UL
#define MORE_ADDR	(2 * GUEST_MEMORY)
#define MORE_MEMORY	GUEST_MEMORY
#define MEMORY		(GUEST_MEMORY + MORE_MEMORY)

/* What tests give up, and from where on they put what they send. */
#define GIVEN		0x800000UL
#define GIVEN_PAGES	1024
#define SENT		VIRTIO_BUFFERS

#define FEATURES	(1ULL << VIRTIO_BALLOON_F_STATS_VQ | \
			 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM | \
			 1ULL << VIRTIO_BALLOON_F_REPORTING)

#define INFLATE		0
#define DEFLATE		1
#define STATS		2
#define REPORT		3

#define CONFIG(field)	(VIRTIO_MMIO_CONFIG + offsetof(struct virtio_balloon_config, field))

#define TEST_DATA	FIXTURE_DATA(balloon)

static int balloon_create(int part, int irq_fd)
{
	struct bulkhead_balloon_create args = { .size = sizeof(args), .irq_fd = irq_fd };

	return ioctl(part, BULKHEAD_BALLOON_CREATE, &args);
}

static unsigned long held(int memfd)
{
	struct stat stat;

	return fstat(memfd, &stat) ? 0 : stat.st_blocks * 512;
}

FIXTURE(balloon)
{
	struct guest guest;
	struct virtio virtio;
	int more;
	char *more_ram;
	struct nl_sock *sock;
	int family;
	struct answer answer;
};

FIXTURE_SETUP(balloon)
{
	struct guest *g = &self->guest;
	int irq = eventfd(0, EFD_CLOEXEC);

	self->sock = sock_open(&self->family, &self->answer);
	ASSERT_NE(NULL, self->sock);
	ASSERT_TRUE(guest_create(g, "", guest_driver, guest_driver_end));
	self->more = memfd_create("more", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ASSERT_EQ(0, ftruncate(self->more, MORE_MEMORY));
	self->more_ram = mmap(NULL, MORE_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, self->more, 0);
	ASSERT_NE(MAP_FAILED, self->more_ram);
	ASSERT_EQ(0, mem_add(g->part, MORE_ADDR, MORE_MEMORY, self->more_ram, self->more));
	ASSERT_EQ(0, balloon_create(g->part, irq));
	close(irq);
	/* All of it is there, and none of it is zero. */
	memset(g->ram + SENT, 0xaa, GUEST_MEMORY - SENT);
	memset(self->more_ram, 0xaa, MORE_MEMORY);
}

FIXTURE_TEARDOWN(balloon)
{
	answer_clear(&self->answer);
	nl_socket_free(self->sock);
	close(self->more);
	guest_destroy(&self->guest);
}

static bool start(TEST_DATA *self, __u64 features, unsigned int queues)
{
	return virtio_start(&self->guest, 2) &&
	       virtio_open(&self->virtio, &self->guest, 0, features, queues);
}

static struct part *get(TEST_DATA *self)
{
	if (by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, self->guest.id, &self->answer) ||
	    self->answer.count != 1)
		abort();
	return &self->answer.parts[0];
}

static __u64 get_number(TEST_DATA *self, int attr)
{
	return nla_get_u64(get(self)->attrs[attr]);
}

/* A counter of the device. */
static __u64 get_count(TEST_DATA *self, int attr)
{
	struct nlattr *attrs[BULKHEAD_A_DEVICE_MAX + 1];

	nla_parse_nested(attrs, BULKHEAD_A_DEVICE_MAX, get(self)->attrs[BULKHEAD_A_PART_DEVICE],
			 NULL);
	return nla_get_u64(attrs[attr]);
}

static __u64 errors(TEST_DATA *self)
{
	return get_count(self, BULKHEAD_A_DEVICE_ERRORS);
}

static int set_target(TEST_DATA *self, __u64 target)
{
	struct nl_msg *msg = request(self->family, BULKHEAD_CMD_PART_SET, NLM_F_ACK);

	nla_put_u32(msg, BULKHEAD_A_PART_ID, self->guest.id);
	nla_put_u64(msg, BULKHEAD_A_PART_MEMORY_TARGET, target);
	return send_request(self->sock, msg, &self->answer);
}

/* Sends what lies at SENT to be read; returns what virtio_wait() does. */
static long send_bytes(TEST_DATA *self, unsigned int queue, __u32 bytes)
{
	const struct segment segment = { SENT, bytes };

	virtio_add(&self->virtio, queue, &segment, 1, 0);
	virtio_kick(&self->virtio, queue);
	return virtio_wait(&self->virtio, queue);
}

static long send_pfns(TEST_DATA *self, unsigned int queue, const __u32 *pfns, int n)
{
	memcpy(self->guest.ram + SENT, pfns, n * sizeof(*pfns));
	return send_bytes(self, queue, n * sizeof(*pfns));
}

static long report(TEST_DATA *self, unsigned int queue, const struct segment *segments,
		   int n)
{
	virtio_add(&self->virtio, queue, segments, 0, n);
	virtio_kick(&self->virtio, queue);
	return virtio_wait(&self->virtio, queue);
}

/* Whether pages are all of one byte. */
static bool pages_are(const char *from, unsigned long pages, char byte)
{
	return *from == byte && !memcmp(from, from + 1, pages * PAGE - 1);
}

TEST_F(balloon, looks_like_one)
{
	ASSERT_TRUE(start(self, FEATURES, 5));
	EXPECT_EQ(5, virtio_read(&self->virtio, VIRTIO_MMIO_DEVICE_ID));
	EXPECT_EQ(FEATURES, virtio_features(&self->virtio) & 0xffffff);
	EXPECT_EQ(0, virtio_read(&self->virtio, CONFIG(num_pages)));
	EXPECT_EQ(0, virtio_read(&self->virtio, CONFIG(actual)));
	/* The rest belongs to features that it doesn't have. */
	EXPECT_EQ(~0U, virtio_read(&self->virtio, CONFIG(poison_val)));
	virtio_write(&self->virtio, VIRTIO_MMIO_QUEUE_SEL, 4);
	EXPECT_LE(32, virtio_read(&self->virtio, VIRTIO_MMIO_QUEUE_NUM_MAX));
	virtio_write(&self->virtio, VIRTIO_MMIO_QUEUE_SEL, 5);
	EXPECT_EQ(0, virtio_read(&self->virtio, VIRTIO_MMIO_QUEUE_NUM_MAX));
}

/* In no order, as a kernel's free pages come; in more than one request's worth of them. */
TEST_F(balloon, inflates_and_deflates)
{
	struct guest *g = &self->guest;
	unsigned long before = held(g->mem);
	__u32 pfns[GIVEN_PAGES];
	int i;

	for (i = 0; i < GIVEN_PAGES; i++)
		pfns[i] = GIVEN / PAGE + 1 + i * 389 % GIVEN_PAGES;
	ASSERT_TRUE(start(self, FEATURES, 4));
	before = held(g->mem);
	ASSERT_EQ(0, send_pfns(self, INFLATE, pfns, GIVEN_PAGES));
	EXPECT_EQ(before - GIVEN_PAGES * PAGE, held(g->mem));
	EXPECT_EQ(GIVEN_PAGES * PAGE, get_count(self, BULKHEAD_A_DEVICE_BYTES));
	EXPECT_EQ(0, errors(self));
	EXPECT_TRUE(pages_are(g->ram + GIVEN, 1, 0xaa));
	EXPECT_TRUE(pages_are(g->ram + GIVEN + (1 + GIVEN_PAGES) * PAGE, 1, 0xaa));
	EXPECT_TRUE(pages_are(g->ram + GIVEN + PAGE, GIVEN_PAGES, 0));
	/* What was looked at is there again, and that of the other region never was away. */
	ASSERT_EQ(0, send_pfns(self, DEFLATE, pfns, GIVEN_PAGES));
	memset(g->ram + GIVEN + PAGE, 0xbb, GIVEN_PAGES * PAGE);
	EXPECT_EQ(before, held(g->mem));
	EXPECT_EQ(MORE_MEMORY, held(self->more));
	EXPECT_EQ(0, errors(self));
}

TEST_F(balloon, other_region)
{
	const __u32 pfns[] = { MORE_ADDR / PAGE, MORE_ADDR / PAGE + 1 };

	ASSERT_TRUE(start(self, FEATURES, 4));
	ASSERT_EQ(0, send_pfns(self, INFLATE, pfns, 2));
	EXPECT_EQ(MORE_MEMORY - 2 * PAGE, held(self->more));
	EXPECT_TRUE(pages_are(self->more_ram, 2, 0));
	EXPECT_TRUE(pages_are(self->more_ram + 2 * PAGE, 1, 0xaa));
	EXPECT_EQ(0, errors(self));
}

/* What isn't memory is counted, and nothing goes for it. */
TEST_F(balloon, hostile_pfns)
{
	const __u32 end = GUEST_MEMORY / PAGE;
	const __u32 nowhere[] = {
		end, end + 1, MORE_ADDR / PAGE - 1, (MORE_ADDR + MORE_MEMORY) / PAGE, 0xd0000,
		0xfec00, 0xfee00, 0x100000, 0x80000000, 0xfffffffe, 0xffffffff,
	};
	const __u32 edge[] = { MORE_ADDR / PAGE - 1, end, end - 1, MORE_ADDR / PAGE };
	const __u32 twice[] = { GIVEN / PAGE, GIVEN / PAGE, GIVEN / PAGE };
	struct guest *g = &self->guest;
	unsigned long before;
	__u64 count;

	ASSERT_TRUE(start(self, FEATURES, 4));
	before = held(g->mem);
	ASSERT_EQ(0, send_pfns(self, INFLATE, nowhere, ARRAY_SIZE(nowhere)));
	EXPECT_EQ(before, held(g->mem));
	EXPECT_EQ(MORE_MEMORY, held(self->more));
	/* Neighbours count as one. */
	count = errors(self);
	EXPECT_EQ(9, count);

	ASSERT_EQ(0, send_pfns(self, INFLATE, edge, ARRAY_SIZE(edge)));
	EXPECT_EQ(before - PAGE, held(g->mem));
	EXPECT_EQ(MORE_MEMORY - PAGE, held(self->more));
	EXPECT_TRUE(pages_are(g->ram + GUEST_MEMORY - PAGE, 1, 0));
	EXPECT_TRUE(pages_are(g->ram + GUEST_MEMORY - 2 * PAGE, 1, 0xaa));
	EXPECT_EQ(count + 2, errors(self));

	before = held(g->mem);
	ASSERT_EQ(0, send_pfns(self, INFLATE, twice, ARRAY_SIZE(twice)));
	EXPECT_EQ(before - PAGE, held(g->mem));
	EXPECT_EQ(count + 4, errors(self));

	/* Half a number at the end, and no number at all. */
	ASSERT_EQ(0, send_bytes(self, INFLATE, 7));
	EXPECT_EQ(count + 5, errors(self));
	ASSERT_EQ(0, send_bytes(self, INFLATE, 3));
	EXPECT_EQ(count + 6, errors(self));
}

/* A list that is as long as can be, of the same page over and over. */
TEST_F(balloon, endless_list)
{
	struct segment segments[60];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segments); i++)
		segments[i] = (struct segment){ SENT, 0x400000 };
	for (i = 0; i < 0x400000 / sizeof(__u32); i++)
		((__u32 *)(self->guest.ram + SENT))[i] = GIVEN / PAGE;
	ASSERT_TRUE(start(self, FEATURES, 4));
	virtio_add(&self->virtio, INFLATE, segments, ARRAY_SIZE(segments), 0);
	virtio_kick(&self->virtio, INFLATE);
	ASSERT_EQ(0, virtio_wait(&self->virtio, INFLATE));
	/* It was followed as far as the guest has pages. */
	EXPECT_LT(MEMORY / PAGE - 100, errors(self));
	EXPECT_GE(MEMORY / PAGE, errors(self));
}

TEST_F(balloon, list_outside_memory)
{
	const struct segment segment = { GUEST_MEMORY - 4, 8 };

	ASSERT_TRUE(start(self, FEATURES, 4));
	virtio_add(&self->virtio, INFLATE, &segment, 1, 0);
	virtio_kick(&self->virtio, INFLATE);
	EXPECT_EQ(-1, virtio_wait(&self->virtio, INFLATE));
	/* And back again. */
	EXPECT_TRUE(virtio_open(&self->virtio, &self->guest, 0, FEATURES, 4));
	memset(self->guest.ram + SENT, 0, 4);
	EXPECT_EQ(0, send_bytes(self, DEFLATE, 4));
}

/* Which queue reports come in depends on the driver. */
TEST_F(balloon, reports)
{
	static const struct {
		__u64 features;
		unsigned int queue;
	} drivers[] = {
		{ FEATURES, 3 },		/* Linux */
		{ FEATURES, 4 },		/* as specified */
		{ 1ULL << VIRTIO_BALLOON_F_REPORTING, 2 },
	};
	struct guest *g = &self->guest;
	unsigned int i;

	ASSERT_TRUE(virtio_start(g, 2));
	for (i = 0; i < ARRAY_SIZE(drivers); i++) {
		const struct segment segments[] = {
			{ GIVEN, 0x10000 }, { GIVEN + 0x20000, 0x20000 },
		};
		unsigned long before;

		memset(g->ram + GIVEN, 0xaa, 0x50000);
		ASSERT_TRUE(virtio_open(&self->virtio, g, 0, drivers[i].features, 5));
		before = held(g->mem);
		ASSERT_EQ(0, report(self, drivers[i].queue, segments, 2));
		EXPECT_EQ(before - 0x30000, held(g->mem));
		EXPECT_TRUE(pages_are(g->ram + GIVEN + 0x10000, 16, 0xaa));
		EXPECT_TRUE(pages_are(g->ram + GIVEN + 0x40000, 16, 0xaa));
		EXPECT_EQ(0, errors(self));
	}
	/* No reports were agreed upon. */
	ASSERT_TRUE(virtio_open(&self->virtio, g, 0, 1ULL << VIRTIO_BALLOON_F_STATS_VQ, 4));
	EXPECT_EQ(-1, report(self, REPORT, (struct segment[]){ { GIVEN, 0x10000 } }, 1));
}

TEST_F(balloon, hostile_reports)
{
	const struct {
		struct segment segment;
		unsigned long pages;
		unsigned long more_pages;
	} cases[] = {
		{ { GUEST_MEMORY, 0x10000 }, 0, 0 },
		{ { GUEST_MEMORY - 2 * PAGE, 4 * PAGE }, 2, 0 },
		{ { MORE_ADDR - 2 * PAGE, 3 * PAGE }, 0, 1 },
		{ { MORE_ADDR + MORE_MEMORY - PAGE, 0x7fffffff }, 0, 1 },
		/* no whole page, and less than it looks like */
		{ { GIVEN + 1, PAGE - 1 }, 0, 0 },
		{ { GIVEN + 1, 2 * PAGE }, 1, 0 },
		{ { GIVEN + 4 * PAGE, PAGE + 1 }, 1, 0 },
		/* behind the end of all addresses: some of these aren't even requests */
		{ { -PAGE, 2 * PAGE }, 0, 0 },
		{ { -1UL, 1 }, 0, 0 },
		{ { -2UL, 1 }, 0, 0 },
		{ { -PAGE - 1, 1 }, 0, 0 },
		{ { 1ULL << 63, PAGE }, 0, 0 },
	};
	struct guest *g = &self->guest;
	unsigned int i;

	ASSERT_TRUE(start(self, FEATURES, 4));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned long mem = held(g->mem), more = held(self->more);
		__u64 before = errors(self);

		if (report(self, REPORT, &cases[i].segment, 1))
			ASSERT_TRUE(virtio_open(&self->virtio, g, 0, FEATURES, 4));
		EXPECT_EQ(mem - cases[i].pages * PAGE, held(g->mem)) TH_LOG("case %u", i);
		EXPECT_EQ(more - cases[i].more_pages * PAGE, held(self->more)) TH_LOG("case %u", i);
		EXPECT_LT(before, errors(self)) TH_LOG("case %u", i);
	}
}

/* A memfd that can't be punched stays as it is. */
TEST_F(balloon, sealed)
{
	const __u32 pfn = MORE_ADDR / PAGE;

	ASSERT_EQ(0, fcntl(self->more, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	ASSERT_TRUE(start(self, FEATURES, 4));
	ASSERT_EQ(0, send_pfns(self, INFLATE, &pfn, 1));
	EXPECT_EQ(MORE_MEMORY, held(self->more));
	EXPECT_EQ(0, get_count(self, BULKHEAD_A_DEVICE_BYTES));
	EXPECT_EQ(1, errors(self));
}

static bool is_ready(TEST_DATA *self)
{
	return !(virtio_read(&self->virtio, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static __u64 stat_of(TEST_DATA *self, int attr)
{
	struct nlattr *attrs[BULKHEAD_A_BALLOON_MAX + 1];
	struct nlattr *nest = get(self)->attrs[BULKHEAD_A_PART_BALLOON];

	if (!nest || nla_parse_nested(attrs, BULKHEAD_A_BALLOON_MAX, nest, NULL) || !attrs[attr])
		return -1;
	return nla_get_u64(attrs[attr]);
}

/* Fills in statistics, tags from zero on and one that is unknown, and makes them available. */
static void add_stats(TEST_DATA *self, __u64 first)
{
	struct virtio_balloon_stat *stats = (void *)(self->guest.ram + SENT);
	struct segment segment = { SENT, 7 * sizeof(*stats) + 3 };
	int i;

	for (i = 0; i < 6; i++)
		stats[i] = (struct virtio_balloon_stat){ .tag = i, .val = first + i };
	stats[6] = (struct virtio_balloon_stat){ .tag = 0xffff, .val = -1 };
	virtio_add(&self->virtio, STATS, &segment, 1, 0);
}

TEST_F(balloon, statistics)
{
	int i;

	ASSERT_TRUE(start(self, FEATURES, 4));
	EXPECT_EQ(NULL, get(self)->attrs[BULKHEAD_A_PART_BALLOON]);
	for (i = 1; i <= 3; i++) {
		add_stats(self, 1000 * i);
		virtio_kick(&self->virtio, STATS);
		/* Reading them asks for the next, and gives the buffer back. */
		while (stat_of(self, BULKHEAD_A_BALLOON_SWAP_IN) != 1000UL * i)
			;
		EXPECT_EQ(0, virtio_wait(&self->virtio, STATS));
		EXPECT_EQ(1000 * i + 5, stat_of(self, BULKHEAD_A_BALLOON_TOTAL));
		EXPECT_EQ(-1UL, stat_of(self, BULKHEAD_A_BALLOON_AVAILABLE));
	}
	EXPECT_EQ(0, errors(self));
	/* A driver that is gone has said nothing. */
	virtio_write(&self->virtio, VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(NULL, get(self)->attrs[BULKHEAD_A_PART_BALLOON]);
}

/* Many buffers, each longer than anything, none of them asked for. */
TEST_F(balloon, hostile_statistics)
{
	const struct segment segment = { 0, GUEST_MEMORY };
	volatile __u16 *used;
	double end;
	int i;

	ASSERT_TRUE(start(self, FEATURES, 4));
	used = &self->virtio.queues[STATS].used->idx;
	for (i = 0; i < VIRTIO_ENTRIES; i++) {
		virtio_add(&self->virtio, STATS, &segment, 1, 0);
		virtio_kick(&self->virtio, STATS);
	}
	/* Asking gives one back, unless it comes before the next one is read. */
	end = seconds() + DEADLINE;
	while (*used < VIRTIO_ENTRIES) {
		get(self);
		ASSERT_GT(end, seconds());
	}
	EXPECT_TRUE(is_ready(self));
}

TEST_F(balloon, targets)
{
	struct answer *answer = &self->answer;
	struct nl_msg *msg;
	__u32 generation;

	EXPECT_EQ(MEMORY, get_number(self, BULKHEAD_A_PART_MEMORY_TARGET));
	EXPECT_EQ(MEMORY, get_number(self, BULKHEAD_A_PART_MEMORY_ACTUAL));
	EXPECT_EQ(-EBUSY, set_target(self, MEMORY / 2));
	EXPECT_NE(NULL, strstr(answer->message, "isn't running"));
	ASSERT_TRUE(virtio_start(&self->guest, 1));
	/* Wait for the guest to run: */
	mailbox_send(&self->guest, MAILBOX_READ, BULKHEAD_VIRTIO_ADDR, 0);
	EXPECT_EQ(-EBUSY, set_target(self, MEMORY / 2));
	EXPECT_NE(NULL, strstr(answer->message, "no driver"));
	ASSERT_TRUE(virtio_open(&self->virtio, &self->guest, 0, FEATURES, 4));

	EXPECT_EQ(-ERANGE, set_target(self, MEMORY + PAGE));
	EXPECT_NE(NULL, strstr(answer->message, "from 16777216 to 33554432"));
	EXPECT_EQ(28, answer->attr_offset);
	EXPECT_EQ(-ERANGE, set_target(self, BULKHEAD_MEMORY_TARGET_MIN - PAGE));
	EXPECT_EQ(-ERANGE, set_target(self, 0));
	EXPECT_EQ(-ERANGE, set_target(self, -PAGE));
	EXPECT_EQ(-EINVAL, set_target(self, MEMORY - 1));
	EXPECT_NE(NULL, strstr(answer->message, "multiple"));
	EXPECT_EQ(-EINVAL, by_id(self->sock, self->family, BULKHEAD_CMD_PART_SET, self->guest.id,
				 answer));
	EXPECT_NE(NULL, strstr(answer->message, "nothing to set"));
	msg = request(self->family, BULKHEAD_CMD_PART_SET, NLM_F_ACK);
	nla_put_u32(msg, BULKHEAD_A_PART_ID, self->guest.id);
	nla_put_u64(msg, BULKHEAD_A_PART_MEMORY, MEMORY);
	EXPECT_EQ(-EINVAL, send_request(self->sock, msg, answer));
	EXPECT_EQ(0, virtio_read(&self->virtio, CONFIG(num_pages)));

	generation = virtio_read(&self->virtio, VIRTIO_MMIO_CONFIG_GENERATION);
	EXPECT_EQ(0, set_target(self, MEMORY - 3 * PAGE));
	EXPECT_EQ(3, virtio_read(&self->virtio, CONFIG(num_pages)));
	EXPECT_NE(generation, virtio_read(&self->virtio, VIRTIO_MMIO_CONFIG_GENERATION));
	EXPECT_EQ(VIRTIO_MMIO_INT_CONFIG, virtio_read(&self->virtio, VIRTIO_MMIO_INTERRUPT_STATUS));
	EXPECT_EQ(MEMORY - 3 * PAGE, get_number(self, BULKHEAD_A_PART_MEMORY_TARGET));
	EXPECT_EQ(MEMORY, get_number(self, BULKHEAD_A_PART_MEMORY_ACTUAL));
	EXPECT_EQ(0, set_target(self, BULKHEAD_MEMORY_TARGET_MIN));
	EXPECT_EQ(0, set_target(self, MEMORY));
	EXPECT_EQ(0, virtio_read(&self->virtio, CONFIG(num_pages)));

	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, self->guest.id,
			   answer));
	EXPECT_EQ(-EBUSY, set_target(self, MEMORY / 2));
	EXPECT_EQ(MEMORY, get_number(self, BULKHEAD_A_PART_MEMORY_ACTUAL));
}

/* What the driver says of itself is believed as far as it is possible. */
TEST_F(balloon, actual)
{
	ASSERT_TRUE(start(self, FEATURES, 4));
	virtio_write(&self->virtio, CONFIG(actual), 5);
	EXPECT_EQ(MEMORY - 5 * PAGE, get_number(self, BULKHEAD_A_PART_MEMORY_ACTUAL));
	EXPECT_EQ(5, virtio_read(&self->virtio, CONFIG(actual)));
	virtio_write(&self->virtio, CONFIG(actual), 0xffffffff);
	EXPECT_EQ(0, get_number(self, BULKHEAD_A_PART_MEMORY_ACTUAL));
	/* The target isn't the driver's. */
	virtio_write(&self->virtio, CONFIG(num_pages), 7);
	EXPECT_EQ(0, virtio_read(&self->virtio, CONFIG(num_pages)));
	EXPECT_EQ(MEMORY, get_number(self, BULKHEAD_A_PART_MEMORY_TARGET));
	virtio_write(&self->virtio, VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(MEMORY, get_number(self, BULKHEAD_A_PART_MEMORY_ACTUAL));
}

static __u64 event_number(const struct part *part, int attr)
{
	return nla_get_u64(part->attrs[attr]);
}

/* One event when the target is set, and one when it is reached, however often that is said. */
TEST_F(balloon, events)
{
	struct answer answer = { };
	struct nl_sock *sock;
	struct part *part;
	int i;

	ASSERT_TRUE(start(self, FEATURES, 4));
	sock = events_open(&answer);
	ASSERT_NE(NULL, sock);
	ASSERT_EQ(0, set_target(self, MEMORY - 2 * PAGE));
	part = next_event(sock, &answer, 5000);
	ASSERT_NE(NULL, part);
	EXPECT_EQ(BULKHEAD_CMD_PART_CHANGED, part->cmd);
	EXPECT_EQ(MEMORY - 2 * PAGE, event_number(part, BULKHEAD_A_PART_MEMORY_TARGET));
	EXPECT_EQ(MEMORY, event_number(part, BULKHEAD_A_PART_MEMORY_ACTUAL));
	for (i = 1; i < 10; i++)
		virtio_write(&self->virtio, CONFIG(actual), i % 3);
	part = next_event(sock, &answer, 5000);
	ASSERT_NE(NULL, part);
	EXPECT_EQ(BULKHEAD_CMD_PART_CHANGED, part->cmd);
	EXPECT_EQ(MEMORY - 2 * PAGE, event_number(part, BULKHEAD_A_PART_MEMORY_ACTUAL));
	/* The next one tells of something else. */
	ASSERT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, self->guest.id,
			   &self->answer));
	part = next_event(sock, &answer, 5000);
	ASSERT_NE(NULL, part);
	EXPECT_EQ(BULKHEAD_CMD_PART_STOPPED, part->cmd);
	answer_clear(&answer);
	nl_socket_free(sock);
}

static void *worker_main(void *arg)
{
	struct bulkhead_worker_run run = { .size = sizeof(run) };

	return (void *)(long)ioctl(*(int *)arg, BULKHEAD_WORKER_RUN, &run);
}

/* A worker that is at it ends with the partition. */
TEST_F(balloon, kill_while_inflating)
{
	struct segment segments[32];
	struct guest *g = &self->guest;
	pthread_t worker;
	void *result;
	unsigned int i;

	/* Every other page: no two can go together. */
	for (i = 0; i < 0x100000 / sizeof(__u32); i++)
		((__u32 *)(g->ram + SENT))[i] = (MORE_ADDR + i * 2 * PAGE % MORE_MEMORY) / PAGE;
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		segments[i] = (struct segment){ SENT, MEMORY / PAGE / 32 * sizeof(__u32) };
	ASSERT_TRUE(virtio_start(g, 0));
	ASSERT_TRUE(virtio_open(&self->virtio, g, 0, FEATURES, 4));
	ASSERT_EQ(0, pthread_create(&worker, NULL, worker_main, &g->part));
	virtio_add(&self->virtio, INFLATE, segments, ARRAY_SIZE(segments), 0);
	virtio_kick(&self->virtio, INFLATE);
	while (held(self->more) == MORE_MEMORY)
		;
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, g->id,
			   &self->answer));
	ASSERT_EQ(0, pthread_join(worker, &result));
	EXPECT_EQ(0, (long)result);
}

TEST_F(balloon, creation)
{
	struct bulkhead_balloon_create args = { .size = sizeof(args), .irq_fd = self->guest.irq };
	int dev = self->guest.dev;
	int irq = self->guest.irq;
	__u32 id;
	int part;

	EXPECT_EQ(-1, balloon_create(self->guest.part, irq));
	EXPECT_EQ(EEXIST, errno);

	part = part_create(dev, "", &id);
	EXPECT_EQ(-1, balloon_create(part, -1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, balloon_create(part, dev));
	EXPECT_EQ(EINVAL, errno);
	args.reserved = 1;
	EXPECT_EQ(-1, ioctl(part, BULKHEAD_BALLOON_CREATE, &args));
	EXPECT_EQ(EINVAL, errno);
	args.reserved = 0;
	args.flags = 1;
	EXPECT_EQ(-1, ioctl(part, BULKHEAD_BALLOON_CREATE, &args));
	EXPECT_EQ(EINVAL, errno);
	/* A partition without one says so. */
	ASSERT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, id, &self->answer));
	EXPECT_EQ(NULL, self->answer.parts[0].attrs[BULKHEAD_A_PART_MEMORY_TARGET]);
	/* None of it took the place of the one that it can have. */
	EXPECT_EQ(0, balloon_create(part, irq));
	close(part);
	/* A running one gets none. */
	ASSERT_TRUE(start(self, FEATURES, 4));
	EXPECT_EQ(-1, balloon_create(self->guest.part, irq));
}

static int no_balloon(struct nl_sock *sock, int family, struct answer *answer, __u32 id)
{
	struct nl_msg *msg = request(family, BULKHEAD_CMD_PART_SET, NLM_F_ACK);

	nla_put_u32(msg, BULKHEAD_A_PART_ID, id);
	nla_put_u64(msg, BULKHEAD_A_PART_MEMORY_TARGET, GUEST_MEMORY);
	return send_request(sock, msg, answer);
}

TEST_F(balloon, none)
{
	struct guest g;

	ASSERT_TRUE(guest_create(&g, "", guest_driver, guest_driver_end));
	ASSERT_TRUE(virtio_start(&g, 0));
	mailbox_send(&g, MAILBOX_READ, BULKHEAD_VIRTIO_ADDR, 0);
	EXPECT_EQ(-ENXIO, no_balloon(self->sock, self->family, &self->answer, g.id));
	EXPECT_NE(NULL, strstr(self->answer.message, "no balloon"));
}

TEST_HARNESS_MAIN
