// SPDX-License-Identifier: GPL-2.0-only
/* The console: the device with the guest console.c, and the descriptors that read and write it. */
#include <poll.h>

#include <linux/virtio_ids.h>

#include "device.h"
#include "guests/console.h"

#define EVENT_IDX	(1ULL << 29)

GUEST(console);

static int hvc_create(int part, int irq_fd)
{
	struct bulkhead_hvc_create args = { .size = sizeof(args), .irq_fd = irq_fd };

	return ioctl(part, BULKHEAD_HVC_CREATE, &args);
}

FIXTURE(console) {
	struct machine machine;
};

FIXTURE_SETUP(console)
{
	ASSERT_TRUE(machine_create(&self->machine, guest_console, guest_console_end, 0));
	ASSERT_EQ(0, device_create(self->machine.guest.part, hvc_create));
}

FIXTURE_TEARDOWN(console)
{
	machine_destroy(&self->machine);
}

static bool start(struct machine *m, enum console_scenario scenario, __u64 argument)
{
	m->report->scenario = scenario;
	m->report->argument = argument;
	return machine_start(m);
}

/* Until the guest has come as far as @arrived, or has stopped. */
static bool wait_arrived(struct machine *m, __u32 arrived)
{
	struct pollfd fd = { .fd = m->guest.console };

	while (m->report->arrived != arrived)
		if (poll(&fd, 1, 1) < 0 || fd.revents & POLLHUP)
			return false;
	return true;
}

static unsigned char byte_at(long i)
{
	return i * 7 + i / 251;
}

struct reader {
	int fd;
	long bytes;
	long bad;
	pthread_t thread;
};

static void *reader_run(void *arg)
{
	struct reader *reader = arg;
	unsigned char text[1500];
	long i, n;

	while ((n = read(reader->fd, text, sizeof(text))) > 0)
		for (i = 0; i < n; i++, reader->bytes++)
			reader->bad += text[i] != byte_at(reader->bytes);
	return (void *)n;
}

/*
 * As much as two rings of what the guest hears hold, and a bit, in writes of all sizes; and three
 * readers, of whom each gets everything.
 */
TEST_F(console, echo)
{
	const int total = 40000;
	struct machine *m = &self->machine;
	struct reader readers[3] = {
		{ .fd = m->guest.console },
		{ .fd = console_open(m->guest.dev, m->guest.id) },
		{ .fd = console_open(m->guest.dev, m->guest.id) },
	};
	unsigned char *text = malloc(total);
	int sizes[] = { 1, 255, 256, 257, 4095, 4096, 4097, 9000 };
	unsigned int k = 0;
	void *status;
	int i, n;

	for (i = 0; i < total; i++)
		text[i] = byte_at(i);
	ASSERT_TRUE(start(m, CONSOLE_ECHO, total));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]));
	for (i = 0; i < total; i += n) {
		n = sizes[k++ % ARRAY_SIZE(sizes)];
		n = write(readers[k % 3].fd, text + i, n < total - i ? n : total - i);
		/* Then the guest has stopped, and says why. */
		if (n <= 0)
			break;
	}
	EXPECT_EQ(0, machine_wait(m));
	for (i = 0; i < 3; i++) {
		pthread_join(readers[i].thread, &status);
		EXPECT_EQ(NULL, status);
		EXPECT_EQ(total, readers[i].bytes);
		EXPECT_EQ(0, readers[i].bad);
	}
	EXPECT_EQ(2 * total, device_count(m, 0, BULKHEAD_A_DEVICE_BYTES));
	EXPECT_EQ(0, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
	EXPECT_LT(0, device_count(m, 0, BULKHEAD_A_DEVICE_KICKS));
	EXPECT_EQ(VIRTIO_ID_CONSOLE, device_count(m, 0, BULKHEAD_A_DEVICE_TYPE));
	close(readers[1].fd);
	close(readers[2].fd);
	free(text);
}

/* A guest that doesn't listen: as much as the ring holds is taken, and then the writer waits. */
TEST_F(console, backpressure)
{
	struct machine *m = &self->machine;
	struct pollfd fd = { .fd = m->guest.console, .events = POLLOUT };
	char text[8192] = "";

	fcntl(m->guest.console, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(1, poll(&fd, 1, 0));
	EXPECT_EQ(4096, write(m->guest.console, text, sizeof(text)));
	EXPECT_EQ(-1, write(m->guest.console, text, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, poll(&fd, 1, 0));
	/* The guest takes all of it when it comes, and the writer can go on. */
	ASSERT_TRUE(start(m, CONSOLE_ECHO, 4097));
	EXPECT_EQ(1, poll(&fd, 1, -1));
	EXPECT_EQ(POLLOUT, fd.revents & POLLOUT);
	EXPECT_EQ(1, write(m->guest.console, text, 1));
	EXPECT_EQ(0, machine_wait(m));
	EXPECT_EQ(-1, write(m->guest.console, text, 1));
	EXPECT_EQ(EPIPE, errno);
}

/* A reader who is away loses the oldest, and knows how much. */
static void talk(struct __test_metadata *_metadata, struct machine *m, __u64 features)
{
	static char text[2 * BULKHEAD_UART_RING];
	int i;

	ASSERT_TRUE(start(m, CONSOLE_TALK, features));
	ASSERT_EQ(0, machine_wait(m));
	ASSERT_EQ(BULKHEAD_UART_RING, read(m->guest.console, text, sizeof(text)));
	EXPECT_EQ(5 * 0x4000, lseek(m->guest.console, 0, SEEK_CUR));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ('b' + i, text[i * 0x4000]);
		EXPECT_EQ('b' + i, text[i * 0x4000 + 0x3fff]);
	}
	EXPECT_EQ(1, device_count(m, 0, BULKHEAD_A_DEVICE_REQUESTS));
	EXPECT_EQ(5 * 0x4000, device_count(m, 0, BULKHEAD_A_DEVICE_BYTES));
}

TEST_F(console, talk)
{
	talk(_metadata, &self->machine, 0);
}

TEST_F(console, talk_event_idx)
{
	talk(_metadata, &self->machine, EVENT_IDX);
}

/* UART, device and emergency write have one text. */
TEST_F(console, early)
{
	char text[16] = "";

	ASSERT_TRUE(start(&self->machine, CONSOLE_EARLY, 0));
	ASSERT_EQ(0, machine_wait(&self->machine));
	EXPECT_EQ(5, read(self->machine.guest.console, text, sizeof(text)));
	EXPECT_STREQ("EUVWF", text);
}

TEST_F(console, turns)
{
	struct machine *m = &self->machine;

	ASSERT_TRUE(start(m, CONSOLE_TURNS, 0));
	ASSERT_TRUE(wait_arrived(m, 1));
	EXPECT_EQ(1, write(m->guest.console, "1", 1));
	ASSERT_TRUE(wait_arrived(m, 2));
	EXPECT_EQ(1, write(m->guest.console, "2", 1));
	if (wait_arrived(m, 3))
		EXPECT_EQ(1, write(m->guest.console, "3", 1));
	m->report->stop = 1;
	EXPECT_EQ(0, machine_wait(m));
}

static int set_size(int fd, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	return ioctl(fd, TIOCSWINSZ, &size);
}

/* Set by who isn't the runner. */
TEST_F(console, size)
{
	struct machine *m = &self->machine;
	int other = console_open(m->guest.dev, m->guest.id);
	struct winsize size = { .ws_row = 1 };

	ASSERT_EQ(0, ioctl(m->guest.console, TIOCGWINSZ, &size));
	EXPECT_EQ(0, size.ws_row);
	EXPECT_EQ(-1, ioctl(m->guest.console, TIOCSWINSZ, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(m->guest.console, TIOCSTI, ""));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, set_size(m->guest.agent, 24, 80));
	EXPECT_EQ(ENOTTY, errno);
	ASSERT_TRUE(start(m, CONSOLE_SIZE, 132 | 43 << 16));
	ASSERT_TRUE(wait_arrived(m, 1));
	EXPECT_EQ(0, set_size(other, 43, 132));
	EXPECT_EQ(0, machine_wait(m));
	ASSERT_EQ(0, ioctl(m->guest.console, TIOCGWINSZ, &size));
	EXPECT_EQ(43, size.ws_row);
	EXPECT_EQ(132, size.ws_col);
	/* One change, one interrupt; the same size again is none, and the partition may be gone. */
	EXPECT_EQ(1, device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
	EXPECT_EQ(0, set_size(other, 43, 132));
	EXPECT_EQ(1, device_count(m, 0, BULKHEAD_A_DEVICE_INTERRUPTS));
	machine_destroy(m);
	EXPECT_EQ(0, set_size(other, 50, 50));
	close(other);
	ASSERT_TRUE(machine_create(m, guest_console, guest_console_end, 0));
}

/* The size is set before there is a device, and told when the driver is ready. */
TEST(size_before_device)
{
	struct machine m;

	ASSERT_TRUE(machine_create(&m, guest_console, guest_console_end, 0));
	EXPECT_EQ(0, set_size(m.guest.console, 25, 80));
	ASSERT_EQ(0, device_create(m.guest.part, hvc_create));
	ASSERT_TRUE(start(&m, CONSOLE_SIZE, 81 | 25 << 16));
	ASSERT_TRUE(wait_arrived(&m, 1));
	EXPECT_EQ(0, set_size(m.guest.console, 25, 81));
	EXPECT_EQ(0, machine_wait(&m));
	machine_destroy(&m);
}

TEST_F(console, read_only)
{
	struct machine *m = &self->machine;

	ASSERT_EQ(1, write(m->guest.console, "x", 1));
	ASSERT_TRUE(start(m, CONSOLE_READ_ONLY, 0));
	EXPECT_EQ(0, machine_wait(m));
	EXPECT_LE(1, device_count(m, 0, BULKHEAD_A_DEVICE_ERRORS));
}

#define FAILS(error, call) do { \
	EXPECT_EQ(-1, call); \
	EXPECT_EQ(error, errno); \
} while (0)

TEST_F(console, errors)
{
	struct guest *g = &self->machine.guest;
	struct bulkhead_hvc_create args = { .size = sizeof(args), .reserved = 1 };
	int part;

	FAILS(EEXIST, hvc_create(g->part, g->irq));
	FAILS(EINVAL, ioctl(g->part, BULKHEAD_HVC_CREATE, &args));
	part = part_create(g->dev, "", NULL);
	ASSERT_LE(0, part);
	FAILS(ENXIO, device_create(part, hvc_create));
	ASSERT_LE(0, uart_create(part, BULKHEAD_UART_CONSOLE, g->irq));
	/* After a failure nothing is left: another attempt may succeed. */
	FAILS(EBADF, hvc_create(part, -1));
	FAILS(EINVAL, hvc_create(part, g->mem));
	EXPECT_EQ(0, device_create(part, hvc_create));
	close(part);
}

TEST_HARNESS_MAIN
