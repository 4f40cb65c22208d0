// SPDX-License-Identifier: GPL-2.0-only
/* Disks, driven by a guest without a kernel: every request, well-formed and not, and its status. */
#include <linux/virtio_blk.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "virtio.h"

#define SECTOR		512UL
#define SECTORS		2048UL
#define SIZE		(SECTORS * SECTOR)

/* Buffers of request @i. */
#define HEADER(i)	(VIRTIO_BUFFERS + (i) * 0x100000UL)
#define STATUS(i)	(HEADER(i) + 0x100)
#define DATA(i)		(HEADER(i) + 0x1000)

#define UNWRITTEN	0xee

#define FAILS(want, call) do { \
	errno = 0; \
	EXPECT_EQ(-1, (call)); \
	EXPECT_EQ(want, errno); \
} while (0)

static int disk_create(int part, int fd, __u32 queues, __u32 flags, const char *serial)
{
	int irq = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_disk_create args = {
		.size = sizeof(args), .flags = flags, .irq_fd = irq, .fd = fd, .queues = queues,
	};
	int slot;

	memcpy(args.serial, serial, strnlen(serial, sizeof(args.serial)));
	slot = ioctl(part, BULKHEAD_DISK_CREATE, &args);
	close(irq);
	return slot;
}

/* A file without a name, each of whose sectors begins with its number. */
static int file_create(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	static __u64 data[SIZE / 8];
	unsigned int i;

	for (i = 0; i < SECTORS; i++)
		data[i * SECTOR / 8] = i;
	return fd >= 0 && pwrite(fd, data, SIZE, 0) == SIZE ? fd : -1;
}

static int open_again(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

static __u64 file_sector(int fd, __u64 sector)
{
	__u64 number;

	if (pread(fd, &number, sizeof(number), sector * SECTOR) != sizeof(number))
		number = -1;
	return number;
}

FIXTURE(disk) {
	struct guest guest;
	struct virtio virtio;
	int file;
};

FIXTURE_VARIANT(disk) {
	__u32 flags;
	__u32 queues;
};

FIXTURE_VARIANT_ADD(disk, writable) { .queues = 4 };
FIXTURE_VARIANT_ADD(disk, read_only) { .queues = 1, .flags = BULKHEAD_DISK_READ_ONLY };

FIXTURE_SETUP(disk)
{
	struct guest *g = &self->guest;

	ASSERT_TRUE(guest_create(g, "", guest_driver, guest_driver_end));
	self->file = file_create();
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, disk_create(g->part, self->file, variant->queues, variant->flags,
				 "serial number"));
	ASSERT_TRUE(virtio_start(g, 2));
	ASSERT_TRUE(virtio_open(&self->virtio, g, 0, -1ULL, variant->queues));
}

FIXTURE_TEARDOWN(disk)
{
	close(self->file);
	guest_destroy(&self->guest);
}

static void header_set(struct virtio *v, unsigned int i, __u32 type, __u64 sector)
{
	struct virtio_blk_outhdr *header = (void *)(v->guest->ram + HEADER(i));

	*header = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	v->guest->ram[STATUS(i)] = UNWRITTEN;
}

/* A request with @len bytes of data, to be waited for. */
static void request_add(struct virtio *v, unsigned int queue, unsigned int i, __u32 type,
			__u64 sector, __u32 len)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct segment segs[] = {
		{ HEADER(i), 16 }, { DATA(i), len }, { STATUS(i), 1 }, { STATUS(i), 1 },
	};

	header_set(v, i, type, sector);
	if (!len)
		segs[1] = segs[2];
	virtio_add(v, queue, segs, len && !in ? 2 : 1, len && in ? 2 : 1);
}

/* A request by itself. Returns its status, or -1 if the device needs a reset instead. */
static int request(struct virtio *v, __u32 type, __u64 sector, __u32 len)
{
	request_add(v, 0, 0, type, sector, len);
	virtio_kick(v, 0);
	if (virtio_wait(v, 0) < 0)
		return -1;
	return (unsigned char)v->guest->ram[STATUS(0)];
}

static bool reopen(struct virtio *v)
{
	return virtio_open(v, v->guest, 0, -1ULL, v->nr_queues);
}

TEST_F(disk, configuration)
{
	struct virtio *v = &self->virtio;
	bool read_only = variant->flags;
	__u64 features = virtio_features(v);
	const __u32 config = VIRTIO_MMIO_CONFIG;

	EXPECT_EQ(2, virtio_read(v, VIRTIO_MMIO_DEVICE_ID));
	EXPECT_EQ(SECTORS, virtio_read(v, config));
	EXPECT_EQ(0, virtio_read(v, config + 4));
	EXPECT_EQ(254, virtio_read(v, config + offsetof(struct virtio_blk_config, seg_max)));
	EXPECT_EQ(512, virtio_read(v, config + offsetof(struct virtio_blk_config, blk_size)));
	EXPECT_EQ(variant->queues << 16,
		  virtio_read(v, config + offsetof(struct virtio_blk_config, wce)));
	EXPECT_TRUE(features & 1ULL << VIRTIO_BLK_F_FLUSH);
	EXPECT_EQ(variant->queues > 1, !!(features & 1ULL << VIRTIO_BLK_F_MQ));
	EXPECT_EQ(read_only, !!(features & 1ULL << VIRTIO_BLK_F_RO));
	EXPECT_EQ(!read_only, !!(features & 1ULL << VIRTIO_BLK_F_DISCARD));
	EXPECT_EQ(!read_only, !!(features & 1ULL << VIRTIO_BLK_F_WRITE_ZEROES));
}

TEST_F(disk, reads)
{
	struct virtio *v = &self->virtio;
	__u64 *data = (void *)(self->guest.ram + DATA(0));

	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, 7, 8 * SECTOR));
	EXPECT_EQ(7, data[0]);
	EXPECT_EQ(14, data[7 * SECTOR / 8]);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, SECTORS - 1, SECTOR));
	EXPECT_EQ(SECTORS - 1, data[0]);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, 0, 0xfe000));
	EXPECT_EQ(0xfe000 / SECTOR - 1, data[0xfde00 / 8]);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_FLUSH, 0, 0));
}

TEST_F(disk, writes)
{
	struct virtio *v = &self->virtio;
	__u64 *data = (void *)(self->guest.ram + DATA(0));
	bool read_only = variant->flags;

	data[0] = 0x1234;
	data[SECTOR / 8] = 0x5678;
	EXPECT_EQ(read_only ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK,
		  request(v, VIRTIO_BLK_T_OUT, 5, 2 * SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_FLUSH, 0, 0));
	EXPECT_EQ(4, file_sector(self->file, 4));
	EXPECT_EQ(read_only ? 5 : 0x1234, file_sector(self->file, 5));
	EXPECT_EQ(read_only ? 6 : 0x5678, file_sector(self->file, 6));
	EXPECT_EQ(7, file_sector(self->file, 7));
}

TEST_F(disk, serial)
{
	struct virtio *v = &self->virtio;
	char *data = self->guest.ram + DATA(0);

	memset(data, 0xff, 32);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_GET_ID, 0, 20));
	EXPECT_EQ(0, memcmp(data, "serial number\0\0\0\0\0\0\0\xff", 21));
	memset(data, 0xff, 32);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_GET_ID, 0, 6));
	EXPECT_EQ(0, memcmp(data, "serial\xff", 7));
}

TEST_F(disk, bounds)
{
	static const struct {
		__u64 sector;
		__u32 len;
	} bad[] = {
		{ SECTORS, SECTOR }, { SECTORS - 1, 2 * SECTOR }, { 0, SIZE + SECTOR },
		{ -1ULL, SECTOR }, { -1ULL, 2 * SECTOR }, { 1ULL << 55, SECTOR },
		{ (1ULL << 55) - 1, SECTOR }, { 1ULL << 63, SECTOR }, { 0, 1 }, { 0, 511 },
		{ 0, 513 }, { SECTORS - 1, 1 },
	};
	static const __u32 types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT };
	struct virtio *v = &self->virtio;
	unsigned int i, j;
	struct stat stat;

	for (j = 0; j < ARRAY_SIZE(types); j++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			EXPECT_EQ(VIRTIO_BLK_S_IOERR,
				  request(v, types[j], bad[i].sector, bad[i].len)) {
				TH_LOG("type %u sector %llx len %u", types[j], bad[i].sector,
				       bad[i].len);
			}
		}
	}
	/* Nothing of these came to the file, and nothing of what comes now. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, 0, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, SECTORS, 0));
	for (i = 0; i < SECTORS; i++)
		ASSERT_EQ(i, file_sector(self->file, i));
	ASSERT_EQ(0, fstat(self->file, &stat));
	EXPECT_EQ(SIZE, stat.st_size);
}

TEST_F(disk, unknown)
{
	static const __u32 types[] = { 2, 3, 5, 7, 10, 14, 15, 16, 26, 0x7fffffff, -1U, 1U << 31 };
	struct virtio *v = &self->virtio;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, request(v, types[i], 0, SECTOR));
}

static int ranges(struct virtio *v, __u32 type, __u64 sector, __u32 sectors, __u32 flags,
		  unsigned int count)
{
	struct virtio_blk_discard_write_zeroes *range = (void *)(v->guest->ram + DATA(0));
	unsigned int i;

	for (i = 0; i < count; i++)
		range[i] = (struct virtio_blk_discard_write_zeroes){
			.sector = sector + i * 64, .num_sectors = sectors, .flags = flags,
		};
	return request(v, type, 0, count * sizeof(*range));
}

TEST_F(disk, zeroes)
{
	struct virtio *v = &self->virtio;
	unsigned int i;

	if (variant->flags) {
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, 8, 8, 0, 1));
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, VIRTIO_BLK_T_DISCARD, 8, 8, 0, 1));
		EXPECT_EQ(8, file_sector(self->file, 8));
		return;
	}
	EXPECT_EQ(VIRTIO_BLK_S_OK, ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, 9, 3, 0, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, 64, 16, 1, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, 1024, 8, 0, 16));
	EXPECT_EQ(VIRTIO_BLK_S_OK, ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, SECTORS, 0, 0, 1));
	for (i = 0; i < SECTORS; i++) {
		bool zero = (i >= 9 && i < 12) || (i >= 64 && i < 80) ||
			    (i >= 1024 && (i - 1024) % 64 < 8);

		ASSERT_EQ(zero ? 0 : i, file_sector(self->file, i));
	}
}

TEST_F(disk, discard)
{
	struct virtio *v = &self->virtio;
	struct stat before, after;

	if (variant->flags) {
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, VIRTIO_BLK_T_DISCARD, 1024, 1024, 0, 1));
		return;
	}
	ASSERT_EQ(0, fstat(self->file, &before));
	EXPECT_EQ(VIRTIO_BLK_S_OK, ranges(v, VIRTIO_BLK_T_DISCARD, 1024, 1024, 0, 1));
	ASSERT_EQ(0, fstat(self->file, &after));
	EXPECT_GE(before.st_blocks - 1024, after.st_blocks);
	EXPECT_EQ(before.st_size, after.st_size);
	EXPECT_EQ(1023, file_sector(self->file, 1023));
	EXPECT_EQ(0, file_sector(self->file, 1025));
}

TEST_F(disk, bad_ranges)
{
	static const __u32 types[] = { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
	struct virtio *v = &self->virtio;
	unsigned int i;

	if (variant->flags) {
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, types[0], 0, 8, 2, 1));
		return;
	}
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, types[i], 0, 8, 2, 1));
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, types[i], 0, 8, 1U << 31, 1));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(v, types[i], SECTORS, 1, 0, 1));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(v, types[i], SECTORS - 1, 2, 0, 1));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(v, types[i], -1ULL, 8, 0, 1));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(v, types[i], 0, -1U, 0, 1));
		/* Of these, only the last is beyond the end: none is done. */
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(v, types[i], SECTORS - 64, 8, 0, 2));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(v, types[i], 0, 1, 0, 17));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, types[i], 0, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, types[i], 0, 15));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, types[i], 0, 24));
	}
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, VIRTIO_BLK_T_DISCARD, 0, 8, 1, 1));
	for (i = 0; i < SECTORS; i++)
		ASSERT_EQ(i, file_sector(self->file, i));
}

/* Features that the driver didn't accept it can't use. */
TEST_F(disk, not_negotiated)
{
	struct virtio *v = &self->virtio;

	ASSERT_TRUE(virtio_open(v, &self->guest, 0, 0, 1));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, 8, 8, 0, 1));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, ranges(v, VIRTIO_BLK_T_DISCARD, 8, 8, 0, 1));
	EXPECT_EQ(8, file_sector(self->file, 8));
	/* Without a flush, what is written is stable at once; that it isn't refused can be seen. */
	EXPECT_EQ(variant->flags ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK,
		  request(v, VIRTIO_BLK_T_OUT, 5, SECTOR));
}

TEST_F(disk, malformed)
{
	struct virtio *v = &self->virtio;
	struct segment no_status[] = { { HEADER(0), 16 } };
	struct segment short_header[] = { { HEADER(0), 15 }, { STATUS(0), 1 } };
	struct segment empty_status[] = { { HEADER(0), 16 }, { STATUS(0), 0 } };
	struct segment status_outside[] = { { HEADER(0), 16 }, { GUEST_MEMORY, 1 } };
	struct segment header_outside[] = { { GUEST_MEMORY - 8, 16 }, { STATUS(0), 1 } };
	const struct {
		struct segment *segs;
		unsigned int nr_out, nr_in;
	} bad[] = {
		{ no_status, 1, 0 }, { short_header, 1, 1 }, { empty_status, 1, 1 },
		{ status_outside, 1, 1 }, { header_outside, 1, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		header_set(v, 0, VIRTIO_BLK_T_FLUSH, 0);
		virtio_add(v, 0, bad[i].segs, bad[i].nr_out, bad[i].nr_in);
		virtio_kick(v, 0);
		EXPECT_EQ(-1, virtio_wait(v, 0)) {
			TH_LOG("malformed request %u", i);
		}
		EXPECT_EQ(UNWRITTEN, (unsigned char)self->guest.ram[STATUS(0)]);
		ASSERT_TRUE(reopen(v));
		EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, 0, SECTOR));
	}
}

/* Data, cut up in any way, and header and status in pieces or together with data. */
TEST_F(disk, any_layout)
{
	struct virtio *v = &self->virtio;
	char *ram = self->guest.ram;
	/* The last buffer is for the second sector, and the status. */
	const struct segment segs[] = {
		{ HEADER(0), 7 }, { HEADER(0) + 7, 9 },
		{ DATA(0) + 512, 100 }, { DATA(0), 412 }, { DATA(1), 513 },
	};

	header_set(v, 0, VIRTIO_BLK_T_IN, 9);
	ram[DATA(1) + 512] = UNWRITTEN;
	virtio_add(v, 0, segs, 2, 3);
	virtio_kick(v, 0);
	EXPECT_EQ(2 * SECTOR + 1, virtio_wait(v, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, ram[DATA(1) + 512]);
	EXPECT_EQ(9, *(__u64 *)(ram + DATA(0) + 512));
	EXPECT_EQ(10, *(__u64 *)(ram + DATA(1)));
}

TEST_F(disk, data_outside_memory)
{
	static const __u64 addrs[] = {
		GUEST_MEMORY, GUEST_MEMORY - SECTOR + 1, 0xd0000000, 0xfee00000, 1ULL << 32,
		-1ULL, -SECTOR, 1ULL << 63,
	};
	struct virtio *v = &self->virtio;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		const struct segment segs[] = {
			{ HEADER(0), 16 }, { addrs[i], SECTOR }, { STATUS(0), 1 },
		};

		header_set(v, 0, VIRTIO_BLK_T_IN, 0);
		virtio_add(v, 0, segs, 1, 2);
		virtio_kick(v, 0);
		if (virtio_wait(v, 0) < 0) {
			ASSERT_TRUE(reopen(v));
			continue;
		}
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, self->guest.ram[STATUS(0)]) {
			TH_LOG("address %llx", addrs[i]);
		}
	}
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, 0, SECTOR));
}

/* Many at once, in all queues; each is answered once. */
TEST_F(disk, many)
{
	struct virtio *v = &self->virtio;
	unsigned int i, n = 8, round;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < n; i++) {
			memset(self->guest.ram + DATA(i), 0, SECTOR);
			request_add(v, i % v->nr_queues, i, VIRTIO_BLK_T_IN, round * n + i, SECTOR);
		}
		for (i = 0; i < v->nr_queues; i++)
			virtio_kick(v, i);
		for (i = 0; i < n; i++)
			ASSERT_EQ(SECTOR + 1, virtio_wait(v, i % v->nr_queues));
		for (i = 0; i < n; i++) {
			ASSERT_EQ(VIRTIO_BLK_S_OK, self->guest.ram[STATUS(i)]);
			ASSERT_EQ(round * n + i, *(__u64 *)(self->guest.ram + DATA(i)));
		}
	}
}

/* A backing that lost its end has errors there, and none elsewhere. */
TEST_F(disk, truncated)
{
	struct virtio *v = &self->virtio;

	ASSERT_EQ(0, ftruncate(self->file, SIZE / 2));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, SECTORS / 2 - 1, SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, VIRTIO_BLK_T_IN, SECTORS / 2 - 1, 2 * SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, VIRTIO_BLK_T_IN, SECTORS / 2, SECTOR));
	ASSERT_EQ(0, ftruncate(self->file, SIZE));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(v, VIRTIO_BLK_T_IN, SECTORS / 2, SECTOR));
	EXPECT_EQ(0, *(__u64 *)(self->guest.ram + DATA(0)));
}

/* Beyond the runner's limit, a write fails, and the signal for it isn't sent. */
TEST_F(disk, file_size_limit)
{
	struct rlimit limit = { 10 * SECTOR, 10 * SECTOR };
	struct virtio *v = &self->virtio;

	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(variant->flags ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK,
		  request(v, VIRTIO_BLK_T_OUT, 9, SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, VIRTIO_BLK_T_OUT, 9, 2 * SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, VIRTIO_BLK_T_OUT, 10, SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(v, VIRTIO_BLK_T_OUT, 1000, SECTOR));
	EXPECT_EQ(variant->flags ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR,
		  ranges(v, VIRTIO_BLK_T_WRITE_ZEROES, 10, 8, 0, 1));
	EXPECT_EQ(10, file_sector(self->file, 10));
}

/* What the partition holds of a disk goes with it, whoever else looks at the partition. */
TEST(freed_with_the_partition)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd, other, console;
	struct guest g;

	ASSERT_TRUE(guest_create(&g, "", guest_driver, guest_driver_end));
	fd = file_create();
	other = open_again(fd, O_RDWR);
	ASSERT_GE(other, 0);
	ASSERT_EQ(0, fcntl(fd, F_OFD_SETLK, &lock));
	EXPECT_EQ(0, disk_create(g.part, fd, 1, 0, ""));
	close(fd);
	FAILS(EAGAIN, fcntl(other, F_OFD_SETLK, &lock));
	console = console_open(g.dev, g.id);
	ASSERT_GE(console, 0);
	guest_destroy(&g);
	EXPECT_EQ(0, fcntl(other, F_OFD_SETLK, &lock));
	close(other);
	close(console);
}

/* A backing without room. */
TEST(no_space)
{
	char dir[] = "/tmp/block_test.XXXXXX";
	struct virtio virtio;
	struct guest g;
	int fd, i;

	ASSERT_TRUE(mkdtemp(dir));
	ASSERT_EQ(0, mount("tmpfs", dir, "tmpfs", 0, "size=64K"));
	fd = open(dir, O_TMPFILE | O_RDWR, 0600);
	EXPECT_GE(fd, 0);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	ASSERT_EQ(0, ftruncate(fd, SIZE));

	ASSERT_TRUE(guest_create(&g, "", guest_driver, guest_driver_end));
	ASSERT_EQ(0, disk_create(g.part, fd, 1, 0, ""));
	ASSERT_TRUE(virtio_start(&g, 1));
	ASSERT_TRUE(virtio_open(&virtio, &g, 0, -1ULL, 1));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(VIRTIO_BLK_S_OK, request(&virtio, VIRTIO_BLK_T_OUT, i * 8, 8 * SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&virtio, VIRTIO_BLK_T_OUT, 16 * 8, 8 * SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, ranges(&virtio, VIRTIO_BLK_T_WRITE_ZEROES, 16 * 8, 8, 0, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(&virtio, VIRTIO_BLK_T_FLUSH, 0, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(&virtio, VIRTIO_BLK_T_IN, 0, 8 * SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_OK, ranges(&virtio, VIRTIO_BLK_T_DISCARD, 0, 8, 0, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(&virtio, VIRTIO_BLK_T_OUT, 16 * 8, 8 * SECTOR));
	close(fd);
	guest_destroy(&g);
}

TEST(create)
{
	struct bulkhead_disk_create args = { .size = sizeof(args) };
	int fd, read_only, i;
	struct guest g;

	ASSERT_TRUE(guest_create(&g, "", guest_driver, guest_driver_end));
	fd = file_create();
	read_only = open_again(fd, O_RDONLY);
	ASSERT_GE(read_only, 0);

	FAILS(EINVAL, disk_create(g.part, fd, 0, 0, ""));
	FAILS(EINVAL, disk_create(g.part, fd, BULKHEAD_DISK_QUEUES_MAX + 1, 0, ""));
	FAILS(EINVAL, disk_create(g.part, fd, -1, 0, ""));
	FAILS(EINVAL, disk_create(g.part, fd, 1, 2, ""));
	FAILS(EINVAL, disk_create(g.part, fd, 1, 0, "a\tb"));
	FAILS(EINVAL, disk_create(g.part, fd, 1, 0, "\x80"));
	FAILS(EBADF, disk_create(g.part, -1, 1, 0, ""));
	FAILS(EBADF, disk_create(g.part, 9999, 1, 0, ""));
	FAILS(EBADF, disk_create(g.part, read_only, 1, 0, ""));
	FAILS(EINVAL, disk_create(g.part, g.part, 1, 0, ""));
	FAILS(EINVAL, disk_create(g.part, open("/dev/null", O_RDWR), 1, 0, ""));
	FAILS(EINVAL, disk_create(g.part, open("/", O_RDONLY), 1, BULKHEAD_DISK_READ_ONLY, ""));
	FAILS(EINVAL, disk_create(g.part, open_again(fd, O_RDWR | O_APPEND), 1, 0, ""));
	FAILS(EBADF, disk_create(g.part, open_again(fd, O_WRONLY), 1, 0, ""));
	FAILS(EBADF, disk_create(g.part, open_again(fd, O_PATH), 1, 0, ""));
	ASSERT_EQ(0, ftruncate(fd, 0));
	FAILS(EINVAL, disk_create(g.part, fd, 1, 0, ""));
	ASSERT_EQ(0, ftruncate(fd, 511));
	FAILS(EINVAL, disk_create(g.part, fd, 1, 0, ""));
	ASSERT_EQ(0, ftruncate(fd, 512));

	args = (struct bulkhead_disk_create){
		.size = sizeof(args), .fd = fd, .queues = 1, .irq_fd = -1,
	};
	FAILS(EBADF, ioctl(g.part, BULKHEAD_DISK_CREATE, &args));
	args.irq_fd = fd;
	FAILS(EINVAL, ioctl(g.part, BULKHEAD_DISK_CREATE, &args));
	args.reserved = 1;
	FAILS(EINVAL, ioctl(g.part, BULKHEAD_DISK_CREATE, &args));
	args.reserved = 0;
	/* Something behind the end of the serial number. */
	memcpy(args.serial, "a\0b", 3);
	FAILS(EINVAL, ioctl(g.part, BULKHEAD_DISK_CREATE, &args));

	/* None of these took a slot. */
	for (i = 0; i < BULKHEAD_VIRTIO_MAX; i++)
		EXPECT_EQ(i, disk_create(g.part, i & 1 ? fd : read_only, BULKHEAD_DISK_QUEUES_MAX,
					 i & 1 ? 0 : BULKHEAD_DISK_READ_ONLY,
					 "12345678901234567890"));
	FAILS(ENOSPC, disk_create(g.part, fd, 1, 0, ""));
	guest_destroy(&g);
}

TEST_HARNESS_MAIN
