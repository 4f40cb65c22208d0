// SPDX-License-Identifier: GPL-2.0-only
/* Every ioctl with bad input: the documented errno, and nothing left behind. */
#include "guest.h"

PROGRAM(spin, "1: pause\njmp 1b\n");

#define FAILS(want, call) do { \
	errno = 0; \
	EXPECT_EQ(-1, (call)); \
	EXPECT_EQ(want, errno); \
} while (0)

FIXTURE(ioctl) {
	struct guest guest;
};

FIXTURE_SETUP(ioctl)
{
	ASSERT_TRUE(guest_create(&self->guest, "ioctl-test", guest_spin, guest_spin_end));
}

FIXTURE_TEARDOWN(ioctl)
{
	guest_destroy(&self->guest);
}

TEST_F(ioctl, unknown)
{
	int fds[] = { self->guest.dev, self->guest.part, self->guest.vcpu, self->guest.console };
	struct bulkhead_part_create args = { .size = sizeof(args), .vcpus = 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		FAILS(ENOTTY, ioctl(fds[i], _IO(BULKHEAD_IOC, 0x7f), &args));
		/* those of another descriptor, of a terminal, and of KVM */
		FAILS(ENOTTY, ioctl(fds[i], i == 2 ? BULKHEAD_PART_CREATE : BULKHEAD_VCPU_RUN,
				    &args));
		FAILS(ENOTTY, ioctl(fds[i], 0x5401, &args));
		FAILS(ENOTTY, ioctl(fds[i], 0xae80, 0));
	}
}

/* Each structure, too short, too long, too long with something in it, with a flag, unreadable. */
TEST_F(ioctl, header)
{
	static char page[2 * 4096] __attribute__((aligned(4096)));
	struct guest *g = &self->guest;
	const int eventfds[] = { eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC) };
	struct bulkhead_external_create create = {
		.size = sizeof(create), .irq_fd = eventfds[0], .device = 1, .queues = 1,
		.queue_max = 1, .features = 1ULL << 32, .kick_fds = (unsigned long)&eventfds[1],
	};
	const int external = ioctl(g->part, BULKHEAD_EXTERNAL_CREATE, &create);
	const struct {
		int fd;
		unsigned int cmd, size;
	} calls[] = {
		{ g->dev, BULKHEAD_PART_CREATE, sizeof(struct bulkhead_part_create) },
		{ g->dev, BULKHEAD_CONSOLE_OPEN, sizeof(struct bulkhead_console_open) },
		{ g->part, BULKHEAD_MEM_ADD, sizeof(struct bulkhead_mem_add) },
		{ g->part, BULKHEAD_VCPU_CREATE, sizeof(struct bulkhead_vcpu_create) },
		{ g->part, BULKHEAD_UART_CREATE, sizeof(struct bulkhead_uart_create) },
		{ g->part, BULKHEAD_DISK_CREATE, sizeof(struct bulkhead_disk_create) },
		{ g->vcpu, BULKHEAD_VCPU_RUN, sizeof(struct bulkhead_vcpu_run) },
		{ g->part, BULKHEAD_EXTERNAL_CREATE, sizeof(struct bulkhead_external_create) },
		{ external, BULKHEAD_EXTERNAL_GET, sizeof(struct bulkhead_external_get) },
		{ external, BULKHEAD_EXTERNAL_RELEASE, sizeof(struct bulkhead_external_release) },
		{ external, BULKHEAD_EXTERNAL_FAIL, sizeof(struct bulkhead_external_fail) },
		{ external, BULKHEAD_EXTERNAL_CONFIG_SET,
		  sizeof(struct bulkhead_external_config_set) },
	};
	__u32 *header = (__u32 *)page;
	unsigned int i;

	ASSERT_GE(external, 0);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		memset(page, 0, sizeof(page));
		FAILS(EINVAL, ioctl(calls[i].fd, calls[i].cmd, page));
		header[0] = 4;
		FAILS(EINVAL, ioctl(calls[i].fd, calls[i].cmd, page));
		header[0] = calls[i].size - 1;
		FAILS(EINVAL, ioctl(calls[i].fd, calls[i].cmd, page));
		header[0] = 4097;
		FAILS(E2BIG, ioctl(calls[i].fd, calls[i].cmd, page));
		header[0] = calls[i].size + 8;
		page[calls[i].size + 7] = 1;
		FAILS(E2BIG, ioctl(calls[i].fd, calls[i].cmd, page));
		page[calls[i].size + 7] = 0;
		header[0] = calls[i].size;
		/* The lowest that it doesn't have. */
		header[1] = calls[i].cmd == BULKHEAD_EXTERNAL_FAIL ?
			    BULKHEAD_EXTERNAL_FAIL_REPLACED << 1 : 1;
		FAILS(EINVAL, ioctl(calls[i].fd, calls[i].cmd, page));
		header[1] = 1U << 31;
		FAILS(EINVAL, ioctl(calls[i].fd, calls[i].cmd, page));
		FAILS(EFAULT, ioctl(calls[i].fd, calls[i].cmd, NULL));
		FAILS(EFAULT, ioctl(calls[i].fd, calls[i].cmd, -1L));
		/* Only the size can be read. */
		ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
		*(__u32 *)(page + 4092) = calls[i].size;
		FAILS(EFAULT, ioctl(calls[i].fd, calls[i].cmd, page + 4092));
		ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE));
	}
	close(external);
	close(eventfds[0]);
	close(eventfds[1]);
}

/* A longer structure whose rest is zero is a newer caller's, and welcome. */
TEST_F(ioctl, longer_is_accepted)
{
	struct {
		struct bulkhead_part_create args;
		__u64 more[4];
	} longer = { .args = { .size = sizeof(longer), .vcpus = 1 } };
	int part = ioctl(self->guest.dev, BULKHEAD_PART_CREATE, &longer);

	EXPECT_GE(part, 0);
	EXPECT_NE(0, longer.args.id);
	close(part);
}

TEST_F(ioctl, reserved)
{
	struct guest *g = &self->guest;
	struct bulkhead_console_open console = { .size = sizeof(console), .reserved = 1 };
	struct bulkhead_mem_add mem = {
		.size = sizeof(mem), .guest_addr = GUEST_MEMORY, .bytes = 4096,
		.user_addr = (unsigned long)g->ram, .fd = g->mem, .reserved = 1
	};
	struct bulkhead_vcpu_create vcpu = { .size = sizeof(vcpu), .reserved = 1 };
	struct bulkhead_vcpu_run run = { .size = sizeof(run), .reason = 1 };

	FAILS(EINVAL, ioctl(g->dev, BULKHEAD_CONSOLE_OPEN, &console));
	FAILS(EINVAL, ioctl(g->part, BULKHEAD_MEM_ADD, &mem));
	FAILS(EINVAL, ioctl(g->part, BULKHEAD_VCPU_CREATE, &vcpu));
	FAILS(EINVAL, ioctl(g->vcpu, BULKHEAD_VCPU_RUN, &run));
}

TEST_F(ioctl, name)
{
	static const char * const bad[] = {
		"-x", ".x", "_x", "a b", "a/b", "a\n", "\xc3\xa4", "a:b",
	};
	int dev = self->guest.dev;
	struct bulkhead_part_create args = { .size = sizeof(args), .vcpus = 1 };
	unsigned int i;
	int part;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		FAILS(EINVAL, part_create(dev, bad[i], NULL));
	memset(args.name, 'a', sizeof(args.name));
	FAILS(EINVAL, ioctl(dev, BULKHEAD_PART_CREATE, &args));
	args.name[sizeof(args.name) - 1] = 0;
	part = ioctl(dev, BULKHEAD_PART_CREATE, &args);
	EXPECT_GE(part, 0);
	close(part);
	FAILS(EEXIST, part_create(dev, "ioctl-test", NULL));
	/* Without a name there may be many. */
	part = part_create(dev, "", NULL);
	EXPECT_GE(part, 0);
	i = part_create(dev, "", NULL);
	EXPECT_GE((int)i, 0);
	close(i);
	close(part);
}

/* The argument can be read and not written: the id can't be told, so there is no partition. */
TEST_F(ioctl, id_unwritable)
{
	struct bulkhead_part_create *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	ASSERT_NE(MAP_FAILED, args);
	args->size = sizeof(*args);
	args->vcpus = 1;
	strcpy(args->name, "unwritable");
	ASSERT_EQ(0, mprotect(args, 4096, PROT_READ));
	FAILS(EFAULT, ioctl(self->guest.dev, BULKHEAD_PART_CREATE, args));
	fd = part_create(self->guest.dev, "unwritable", NULL);
	EXPECT_GE(fd, 0);
	close(fd);
}

TEST_F(ioctl, memory)
{
	struct guest *g = &self->guest;
	const __u64 high = 1ULL << 32;
	long pages = sysconf(_SC_PHYS_PAGES);
	char *ram = g->ram, *big, *anon, *ro;
	int fd, tmp, i;

	/* zero, unaligned, too high, wrapping around */
	FAILS(EINVAL, mem_add(g->part, high, 0, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, high, 4095, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, high + 1, 4096, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, high, 4096, ram + 1, g->mem));
	FAILS(EINVAL, mem_add(g->part, BULKHEAD_MEM_END, 4096, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, BULKHEAD_MEM_END - 4096, 8192, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, -4096ULL, 8192, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, high, -4096ULL, ram, g->mem));
	FAILS(EINVAL, mem_add(g->part, high, 4096, (void *)-4096L, g->mem));

	/* the same, overlapping on either side, enclosed, enclosing */
	FAILS(EEXIST, mem_add(g->part, 0, GUEST_MEMORY, ram, g->mem));
	FAILS(EEXIST, mem_add(g->part, GUEST_MEMORY - 4096, 8192, ram, g->mem));
	FAILS(EEXIST, mem_add(g->part, 4096, 4096, ram, g->mem));
	FAILS(EEXIST, mem_add(g->part, 0, GUEST_MEMORY + 4096, ram, g->mem));
	/* the interrupt controllers' window: its edges, within, around */
	FAILS(EEXIST, mem_add(g->part, 0xfec00000, 4096, ram, g->mem));
	FAILS(EEXIST, mem_add(g->part, 0xfffff000, 4096, ram, g->mem));
	FAILS(EEXIST, mem_add(g->part, 0xfebff000, 8192, ram, g->mem));
	FAILS(EEXIST, mem_add(g->part, 0xf0000000, 1 << 29, ram, g->mem));

	/* more than the host has */
	FAILS(EDQUOT, mem_add(g->part, high, (pages + 1024ULL) * 4096, ram, g->mem));
	FAILS(EDQUOT, mem_add(g->part, high, pages * 4096ULL, ram, g->mem));

	/* not a descriptor, not a memfd, not to be written */
	FAILS(EBADF, mem_add(g->part, high, 4096, ram, -1));
	FAILS(EBADF, mem_add(g->part, high, 4096, ram, 9999));
	FAILS(EINVAL, mem_add(g->part, high, 4096, ram, g->part));
	tmp = open("/proc/self/exe", O_RDONLY);
	FAILS(EBADF, mem_add(g->part, high, 4096, ram, tmp));
	close(tmp);

	/* not owned: another memfd's, anonymous, read-only, private, nothing, ending too early */
	fd = ram_create(1 << 20, &big);
	ASSERT_GE(fd, 0);
	FAILS(EFAULT, mem_add(g->part, high, 4096, ram, fd));
	anon = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FAILS(EFAULT, mem_add(g->part, high, 4096, anon, fd));
	ro = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	FAILS(EFAULT, mem_add(g->part, high, 4096, ro, fd));
	munmap(ro, 8192);
	FAILS(EFAULT, mem_add(g->part, high, 4096, ro, fd));
	ro = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	FAILS(EFAULT, mem_add(g->part, high, 4096, ro, fd));
	munmap(ro, 8192);
	munmap(big + (1 << 19), 1 << 19);
	FAILS(EFAULT, mem_add(g->part, high, 1 << 20, big, fd));
	munmap(anon, 8192);

	/* as many as there may be, side by side */
	for (i = 1; i < BULKHEAD_MEMS_MAX; i++)
		EXPECT_EQ(0, mem_add(g->part, high + i * 4096, 4096, big, fd));
	FAILS(ENOSPC, mem_add(g->part, high, 4096, big, fd));
	munmap(big, 1 << 19);
	close(fd);
}

TEST_F(ioctl, vcpu)
{
	struct guest *g = &self->guest;
	struct bulkhead_vcpu_create args = { .size = sizeof(args) };
	int part = part_create(g->dev, "", NULL);

	FAILS(EEXIST, vcpu_create(g->part, 0));
	FAILS(EINVAL, vcpu_create(g->part, BULKHEAD_VCPUS_MAX));
	FAILS(EINVAL, vcpu_create(g->part, -1));
	args.page_table = 0x1001;
	FAILS(EINVAL, ioctl(part, BULKHEAD_VCPU_CREATE, &args));
	args.page_table = BULKHEAD_MEM_END;
	FAILS(EINVAL, ioctl(part, BULKHEAD_VCPU_CREATE, &args));
	args.page_table = 0;
	args.entry = -1ULL;
	FAILS(EINVAL, ioctl(part, BULKHEAD_VCPU_CREATE, &args));
	args.entry = 0;
	args.gdt = BULKHEAD_MEM_END;
	FAILS(EINVAL, ioctl(part, BULKHEAD_VCPU_CREATE, &args));
	args.gdt = 0;
	args.boot_params = BULKHEAD_MEM_END;
	FAILS(EINVAL, ioctl(part, BULKHEAD_VCPU_CREATE, &args));
	args.boot_params = 0;
	/* Only the first starts somewhere. */
	close(part);
	part = part_create_vcpus(g->dev, "", 2, NULL);
	args.index = 1;
	args.entry = GUEST_CODE;
	FAILS(EINVAL, ioctl(part, BULKHEAD_VCPU_CREATE, &args));
	/* After close the vCPU is still there. */
	close(g->vcpu);
	g->vcpu = -1;
	FAILS(EEXIST, vcpu_create(g->part, 0));
	close(part);
}

/* As many as there may be, in any order, and not one more. */
TEST_F(ioctl, all_vcpus)
{
	int vcpus[BULKHEAD_VCPUS_MAX];
	int dev = self->guest.dev;
	int part, i;

	FAILS(EINVAL, part_create_vcpus(dev, "", 0, NULL));
	FAILS(EINVAL, part_create_vcpus(dev, "", BULKHEAD_VCPUS_MAX + 1, NULL));
	FAILS(EINVAL, part_create_vcpus(dev, "", -1, NULL));
	part = part_create_vcpus(dev, "", BULKHEAD_VCPUS_MAX - 1, NULL);
	FAILS(EINVAL, vcpu_create(part, BULKHEAD_VCPUS_MAX - 1));
	close(part);
	part = part_create_vcpus(dev, "", BULKHEAD_VCPUS_MAX, NULL);
	ASSERT_GE(part, 0);
	for (i = BULKHEAD_VCPUS_MAX - 1; i >= 0; i--) {
		vcpus[i] = vcpu_create(part, i);
		EXPECT_GE(vcpus[i], 0);
	}
	for (i = 0; i < BULKHEAD_VCPUS_MAX; i++) {
		FAILS(EEXIST, vcpu_create(part, i));
		close(vcpus[i]);
	}
	close(part);
}

TEST_F(ioctl, run_before_memory)
{
	struct bulkhead_vcpu_run run;
	int part = part_create(self->guest.dev, "", NULL);
	int vcpu = vcpu_create(part, 0);

	ASSERT_GE(vcpu, 0);
	FAILS(EINVAL, vcpu_run(vcpu, &run));
	close(vcpu);
	close(part);
}

TEST_F(ioctl, uart)
{
	struct guest *g = &self->guest;
	int part = part_create(g->dev, "", NULL);
	int uart;

	FAILS(EEXIST, uart_create(g->part, BULKHEAD_UART_CONSOLE, g->irq));
	FAILS(EEXIST, uart_create(g->part, BULKHEAD_UART_AGENT, g->irq));
	FAILS(EINVAL, uart_create(part, 2, g->irq));
	FAILS(EINVAL, uart_create(part, -1, g->irq));
	FAILS(EBADF, uart_create(part, 0, -1));
	FAILS(EINVAL, uart_create(part, 0, g->mem));
	/* None of these took the place of the one that is made now. */
	uart = uart_create(part, 0, g->irq);
	EXPECT_GE(uart, 0);
	close(uart);
	FAILS(EEXIST, uart_create(part, 0, g->irq));
	close(part);
}

TEST_F(ioctl, button)
{
	struct guest *g = &self->guest;
	int irq = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_button_create args = { .size = sizeof(args), .irq_fd = irq };

	args.reserved = 1;
	FAILS(EINVAL, ioctl(g->part, BULKHEAD_BUTTON_CREATE, &args));
	FAILS(EBADF, button_create(g->part, -1));
	FAILS(EINVAL, button_create(g->part, g->mem));
	/* It is the agent's UART's. */
	FAILS(EBUSY, button_create(g->part, g->irq));
	/* None of these left a part of it behind. */
	EXPECT_EQ(0, button_create(g->part, irq));
	FAILS(EEXIST, button_create(g->part, irq));
	close(irq);
}

TEST_F(ioctl, console)
{
	struct guest *g = &self->guest;
	__u32 id;
	int part = part_create(g->dev, "", &id);

	FAILS(ENODEV, console_open(g->dev, 0));
	FAILS(ENODEV, console_open(g->dev, 0x7fffffff));
	FAILS(ENODEV, console_open(g->dev, -1));
	FAILS(ENXIO, console_open(g->dev, id));
	close(part);
	FAILS(ENODEV, console_open(g->dev, id));
}

static void *runner(void *arg)
{
	struct guest *g = arg;
	struct bulkhead_vcpu_run run;

	return (void *)(long)vcpu_run(g->vcpu, &run);
}

/* A running partition can't be configured, nor its vCPU be run by two threads. */
TEST_F(ioctl, running)
{
	struct guest *g = &self->guest;
	struct bulkhead_vcpu_run run;
	pthread_t thread;
	int uart = -1;
	int error = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, runner, g));
	/* The other thread is in as soon as this one is refused, or wants to be interrupted. */
	while (error != EBUSY) {
		error = 0;
		if (mem_add(g->part, 1ULL << 32, 4096, g->ram, g->mem))
			error = errno;
		ASSERT_TRUE(error == EBUSY || error == 0 || error == EEXIST || error == ENOSPC);
	}
	FAILS(EBUSY, vcpu_run(g->vcpu, &run));
	FAILS(EBUSY, vcpu_create(g->part, 0));
	FAILS(EBUSY, uart_create(g->part, 0, g->irq));
	uart = console_open(g->dev, g->id);
	EXPECT_GE(uart, 0);
	close(uart);
	/* A SIGKILL of the whole process ends the test's other thread. */
}

/* The runner is a process: its child may hold the descriptors, and use none of them. */
TEST_F(ioctl, fork)
{
	struct guest *g = &self->guest;
	struct bulkhead_vcpu_run run;
	int status;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		bool refused = mem_add(g->part, 1ULL << 32, 4096, g->ram, g->mem) && errno == EPERM;

		refused &= vcpu_create(g->part, 0) < 0 && errno == EPERM;
		refused &= uart_create(g->part, 0, g->irq) < 0 && errno == EPERM;
		refused &= vcpu_run(g->vcpu, &run) < 0 && errno == EPERM;
		_exit(refused ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
