// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime: descriptors closed in every order, runners that fork, exec, die or cheat, and hundreds
 * of partitions after which nothing is left.
 */
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

PROGRAM(spin, "1: pause\njmp 1b\n");
PROGRAM(poweroff, POWEROFF);

static void *runner(void *arg)
{
	struct bulkhead_vcpu_run run;

	vcpu_run(*(int *)arg, &run);
	return NULL;
}

/* Starts the vCPU in a thread of its own, and waits until the guest's first instruction is near. */
static bool start(struct guest *g, pthread_t *thread)
{
	if (pthread_create(thread, NULL, runner, &g->vcpu))
		return false;
	/* From "running" on, no UART can be created; until then, one exists. */
	for (;;) {
		if (uart_create(g->part, BULKHEAD_UART_CONSOLE, g->irq) >= 0)
			return false;
		if (errno == EBUSY)
			return true;
		if (errno != EEXIST)
			return false;
	}
}

/* Permutation number @n of the descriptors. */
static void close_in_order(int *fds, unsigned int count, unsigned int n)
{
	unsigned int i, k;

	for (; count; count--) {
		k = n % count;
		n /= count;
		close(fds[k]);
		for (i = k; i + 1 < count; i++)
			fds[i] = fds[i + 1];
	}
}

TEST(every_order_of_close)
{
	unsigned int n;

	for (n = 0; n < 120; n++) {
		struct guest g;
		struct bulkhead_vcpu_run run;

		ASSERT_TRUE(guest_create(&g, "order", guest_poweroff, guest_poweroff_end));
		if (n % 2)
			ASSERT_EQ(0, vcpu_run(g.vcpu, &run));
		close_in_order((int []){ g.part, g.mem, g.vcpu, g.console, g.agent }, 5, n);
		EXPECT_TRUE(is_gone(g.id));
		close(g.irq);
		close(g.dev);
		munmap(g.ram, GUEST_MEMORY);
	}
}

/* The descriptors are closed under a vCPU that runs: it is the last user, and goes on. */
TEST(close_while_running)
{
	unsigned int n;

	for (n = 0; n < 24; n++) {
		struct guest g;
		pthread_t thread;
		int status;
		pid_t pid = fork();

		ASSERT_GE(pid, 0);
		if (!pid) {
			if (!guest_create(&g, "", guest_spin, guest_spin_end) ||
			    !start(&g, &thread))
				_exit(1);
			close_in_order((int []){ g.part, g.vcpu, g.console, g.agent }, 4, n);
			_exit(is_gone(g.id) ? 2 : 0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* Makes a partition in a child that runs it. The child's end is the caller's to bring about. */
static pid_t child_runs(__u32 *id, void (*then)(struct guest *g))
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		struct guest g;
		pthread_t thread;

		if (!guest_create(&g, "child", guest_spin, guest_spin_end) || !start(&g, &thread) ||
		    write(pipes[1], &g.id, sizeof(g.id)) != sizeof(g.id))
			_exit(1);
		if (then)
			then(&g);
		pause();
		_exit(0);
	}
	close(pipes[1]);
	if (read(pipes[0], id, sizeof(*id)) != sizeof(*id))
		*id = 0;
	close(pipes[0]);
	return pid;
}

static bool end(pid_t pid)
{
	return !kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid;
}

/* Within a deadline: what a dying process holds goes when it is scheduled. */
static bool is_gone_soon(__u32 id)
{
	int i;

	for (i = 0; i < 5000; i++) {
		if (is_gone(id))
			return true;
		usleep(1000);
	}
	return false;
}

TEST(sigkill_of_the_runner)
{
	__u32 id;
	pid_t pid = child_runs(&id, NULL);

	ASSERT_NE(0, id);
	EXPECT_FALSE(is_gone(id));
	ASSERT_TRUE(end(pid));
	EXPECT_TRUE(is_gone_soon(id));
}

static void fork_holder(struct guest *g)
{
	/* The grandchild holds the descriptors, and ends when the console says that it's over. */
	if (!fork()) {
		char byte;

		read(g->console, &byte, 1);
		_exit(0);
	}
}

TEST(a_child_holds_the_descriptors)
{
	__u32 id;
	pid_t pid = child_runs(&id, fork_holder);

	ASSERT_NE(0, id);
	ASSERT_TRUE(end(pid));
	EXPECT_TRUE(is_gone_soon(id));
}

static void exec_sleep(struct guest *g)
{
	execlp("sleep", "sleep", "1000", NULL);
	_exit(1);
}

static void exec_sleep_inherit(struct guest *g)
{
	int fds[] = { g->part, g->vcpu, g->console, g->agent };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fcntl(fds[i], F_SETFD, 0);
	exec_sleep(g);
}

/* Another program has no partition: its descriptors are closed, and it's alive. */
TEST(exec)
{
	__u32 id;
	pid_t pid = child_runs(&id, exec_sleep);

	ASSERT_NE(0, id);
	EXPECT_TRUE(is_gone_soon(id));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_TRUE(end(pid));
}

/* Or they are inherited: then the partition has stopped, and what it said can be read. */
TEST(exec_inherits)
{
	struct pollfd console;
	char byte;
	__u32 id;
	pid_t pid = child_runs(&id, exec_sleep_inherit);
	int dev = open("/dev/bulkhead", O_RDWR | O_CLOEXEC);

	ASSERT_NE(0, id);
	console.fd = console_open(dev, id);
	ASSERT_GE(console.fd, 0);
	EXPECT_EQ(0, read(console.fd, &byte, 1));
	EXPECT_FALSE(is_gone(id));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_TRUE(end(pid));
	EXPECT_TRUE(is_gone_soon(id));
	close(console.fd);
	close(dev);
}

/* Memory that is unmapped under the guest is the runner's fault, and the partition's end. */
TEST(unmap_while_running)
{
	struct bulkhead_vcpu_run run;
	struct guest g;

	ASSERT_TRUE(guest_create(&g, "", guest_spin, guest_spin_end));
	munmap(g.ram, GUEST_MEMORY);
	g.ram = NULL;
	ASSERT_EQ(0, vcpu_run(g.vcpu, &run));
	EXPECT_EQ(BULKHEAD_REASON_ERROR, run.reason);
	guest_destroy(&g);
}

static void on_signal(int number)
{
}

static void *signal_later(void *arg)
{
	int i;

	/* It may come before the ioctl; then the next one does it. */
	for (i = 0; i < 50; i++) {
		usleep(20000);
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
	}
	return NULL;
}

/* A signal gets through, and the guest can be gone on with. */
TEST(signal_interrupts)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), thread;
	struct bulkhead_vcpu_run run;
	struct guest g;
	int i;

	ASSERT_TRUE(guest_create(&g, "", guest_spin, guest_spin_end));
	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_later, &self));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-1, vcpu_run(g.vcpu, &run));
		EXPECT_EQ(EINTR, errno);
	}
	pthread_join(thread, NULL);
	EXPECT_FALSE(is_gone(g.id));
	guest_destroy(&g);
	EXPECT_TRUE(is_gone(g.id));
}

struct hammer {
	pthread_t target;
	volatile bool on, stop;
};

static void *hammer_run(void *arg)
{
	struct hammer *hammer = arg;

	while (!hammer->stop)
		if (hammer->on)
			pthread_kill(hammer->target, SIGUSR1);
	return NULL;
}

/* KVM makes a thread when a VM is first run, and can't while a signal is pending. */
TEST(signals_during_the_first_run)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct hammer hammer = { .target = pthread_self() };
	struct bulkhead_vcpu_run run;
	pthread_t thread;
	struct guest g;
	int i;

	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, hammer_run, &hammer));
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(guest_create(&g, "", guest_spin, guest_spin_end));
		hammer.on = true;
		EXPECT_EQ(-1, vcpu_run(g.vcpu, &run));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(-1, vcpu_run(g.vcpu, &run));
		hammer.on = false;
		guest_destroy(&g);
	}
	hammer.stop = true;
	pthread_join(thread, NULL);
}

struct thief {
	int target;
	bool (*act)(struct thief *thief);
	volatile bool stop;
	int stolen;
	int null;
};

static void *thief_run(void *arg)
{
	struct thief *thief = arg;

	while (!thief->stop)
		if (thief->act(thief))
			break;
	return NULL;
}

/* KVM's VM is in the descriptor table for an instant: takes it from there. */
static bool steal(struct thief *thief)
{
	int fd = dup(thief->target);

	if (fd < 0)
		return false;
	if (ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) > 0) {
		thief->stolen = fd;
		return true;
	}
	close(fd);
	return false;
}

static bool swap(struct thief *thief)
{
	dup3(thief->null, thief->target, O_CLOEXEC);
	return false;
}

/* Runs an out instruction in a VM that was a partition's. Returns whether it came out here. */
static bool stolen_vm_runs(int vm)
{
	static const char code[] = { 0xe6, 0x64, 0xf4 };
	struct kvm_userspace_memory_region region = { .memory_size = 1 << 20 };
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2, .rax = 0xfe };
	struct kvm_run *run;
	char *ram;
	int vcpu, ret;

	ram = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(ram + 0x1000, code, sizeof(code));
	region.userspace_addr = (unsigned long)ram;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return false;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return false;
	run = mmap(NULL, 4096 * 3, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ioctl(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	ioctl(vcpu, KVM_SET_SREGS, &sregs);
	ioctl(vcpu, KVM_SET_REGS, &regs);
	ret = ioctl(vcpu, KVM_RUN, 0);
	return !ret && run->exit_reason == KVM_EXIT_IO && run->io.port == 0x64;
}

/* A VM that outlives its partition has none of the partition's devices. */
TEST(stolen_vm)
{
	struct thief thief = { .act = steal, .stolen = -1 };
	int dev = open("/dev/bulkhead", O_RDWR | O_CLOEXEC);
	time_t deadline = time(NULL) + 15;
	pthread_t thread;

	thief.target = dup(dev);
	close(thief.target);
	ASSERT_EQ(0, pthread_create(&thread, NULL, thief_run, &thief));
	while (thief.stolen < 0 && time(NULL) < deadline)
		close(part_create(dev, "", NULL));
	thief.stop = true;
	pthread_join(thread, NULL);
	if (thief.stolen < 0)
		SKIP(return, "the thief was never fast enough");
	EXPECT_TRUE(stolen_vm_runs(thief.stolen));
	close(thief.stolen);
	close(dev);
}

/* Another file in the place of KVM's is recognized: no partition, and no harm. */
TEST(swapped_file)
{
	struct thief thief = { .act = swap, .null = open("/dev/null", O_RDWR | O_CLOEXEC) };
	int dev = open("/dev/bulkhead", O_RDWR | O_CLOEXEC);
	pthread_t thread;
	int i, part;

	thief.target = dup(dev);
	close(thief.target);
	ASSERT_EQ(0, pthread_create(&thread, NULL, thief_run, &thief));
	for (i = 0; i < 300; i++) {
		part = part_create(dev, "", NULL);
		if (part >= 0)
			close(part);
		else
			ASSERT_TRUE(errno == EBADF || errno == ENOTTY || errno == EINVAL);
	}
	thief.stop = true;
	pthread_join(thread, NULL);
	close(thief.null);
	close(dev);
}

static long number_in(const char *path, const char *format)
{
	char line[256];
	long number = -1;
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &number) == 1)
			break;
	if (file)
		fclose(file);
	return number;
}

/*
 * What is charged to a cgroup of its own is all that the runners in it have, the kernel's memory
 * too.
 */
#define CGROUP "/sys/fs/cgroup/bulkhead-selftest"

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return written;
}

static bool churn(unsigned int i)
{
	struct timespec moment = { .tv_nsec = rand() % 30000000 };
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct bulkhead_vcpu_run run;
		struct guest g;

		if (!write_to(CGROUP "/cgroup.procs", "0"))
			_exit(1);
		if (!guest_create(&g, "churn", i % 2 ? guest_spin : guest_poweroff,
				  i % 2 ? guest_spin_end : guest_poweroff_end))
			_exit(1);
		_exit(vcpu_run(g.vcpu, &run) || run.reason != BULKHEAD_REASON_POWEROFF);
	}
	if (i % 2) {
		nanosleep(&moment, NULL);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	return i % 2 ? WIFSIGNALED(status) : !status;
}

/* Half of them are killed at a moment of chance, from before creation until they run. */
TEST(two_hundred_partitions)
{
	long files, bytes = -1;
	unsigned int i;

	write_to("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_TRUE(!mkdir(CGROUP, 0755) || errno == EEXIST);
	files = number_in("/proc/sys/fs/file-nr", "%ld");
	for (i = 0; i < 200; i++)
		EXPECT_TRUE(churn(i));

	/* What RCU and work queues free takes a moment. One KiB of each would be 200 KiB. */
	for (i = 0; i < 200; i++) {
		bytes = number_in(CGROUP "/memory.stat", "kernel %ld");
		if (bytes < 128 * 1024)
			break;
		usleep(50000);
	}
	EXPECT_LE(0, bytes);
	EXPECT_GT(128 * 1024, bytes);
	EXPECT_EQ(0, number_in("/sys/module/bulkhead/refcnt", "%ld"));
	/* The kernel's count isn't exact; one file each would be 200. */
	EXPECT_GT(files + 200, number_in("/proc/sys/fs/file-nr", "%ld"));
	EXPECT_EQ(0, rmdir(CGROUP));
}

TEST_HARNESS_MAIN
