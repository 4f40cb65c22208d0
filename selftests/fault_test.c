// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation, and each access to user memory, of each operation fails in turn: the operation
 * ends with an errno, and leaves nothing behind. Wants a kernel with fault injection; see
 * Documentation/fault-injection/fault-injection.rst there, "fail-nth".
 */
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "guest.h"

#define DEBUGFS "/sys/kernel/debug/"

/* Seconds that a step may take with all of its faults. */
#define PATIENCE 3000

/* Prints "out" on the console and on the agent's UART, and powers off. */
PROGRAM(talk,
	OUTB(BULKHEAD_PORT_COM1, 'o') OUTB(BULKHEAD_PORT_COM1, 'u') OUTB(BULKHEAD_PORT_COM1, 't')
	OUTB(BULKHEAD_PORT_COM2, 'o') OUTB(BULKHEAD_PORT_COM2, 'u') OUTB(BULKHEAD_PORT_COM2, 't')
	POWEROFF);

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

static unsigned long long file_read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	char text[32] = "";

	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return strtoull(text, NULL, 0);
}

static bool fault_set(const char *kind, const char *name, unsigned long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kind, name);
	snprintf(text, sizeof(text), "%llu", value);
	return file_write(path, text);
}

/* All that the module calls for may fail, and nothing else. */
static bool faults_init(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	unsigned long long text = file_read_number("/sys/module/bulkhead/sections/.text");
	unsigned long long size = file_read_number("/sys/module/bulkhead/coresize");
	unsigned int i;

	if (!text || !size)
		return false;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!fault_set(kinds[i], "verbose", 0) ||
		    !fault_set(kinds[i], "stacktrace-depth", 32) ||
		    !fault_set(kinds[i], "require-start", text) ||
		    !fault_set(kinds[i], "require-end", text + size))
			return false;
	return fault_set("failslab", "ignore-gfp-wait", 0) &&
	       fault_set("fail_page_alloc", "ignore-gfp-wait", 0) &&
	       fault_set("fail_page_alloc", "ignore-gfp-highmem", 0) &&
	       fault_set("fail_page_alloc", "min-order", 0);
}

/* Of this thread: which of the next calls for memory fails. Zero is none. */
static void fault_arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);
	int fd = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);

	if (write(fd, text, len) != len)
		abort();
	close(fd);
}

/* Returns whether the fault has happened. */
static bool fault_disarm(void)
{
	bool happened = !file_read_number("/proc/thread-self/fail-nth");

	fault_arm(0);
	return happened;
}

/* What a process holds: the lowest free descriptor, and the number of its mappings. */
struct holdings {
	int fd;
	unsigned int mappings;
};

static struct holdings holdings_count(void)
{
	struct holdings held = { .fd = dup(0) };
	FILE *file = fopen("/proc/self/maps", "re");
	int c;

	close(held.fd);
	while ((c = getc(file)) != EOF)
		held.mappings += c == '\n';
	fclose(file);
	return held;
}

/* The life of a partition. Each step returns 0 or an errno. */
struct life {
	struct guest guest;
	int watcher;
	int external;
	char text[4];
};

static int result(int *fd, int ret)
{
	if (ret < 0)
		return errno;
	*fd = ret;
	return 0;
}

static int step_open(struct life *life)
{
	return result(&life->guest.dev, open("/dev/bulkhead", O_RDWR | O_CLOEXEC));
}

static int step_part_create(struct life *life)
{
	struct guest *g = &life->guest;

	return result(&g->part, part_create_vcpus(g->dev, "fault-test", 2, &g->id));
}

static int step_mem_add(struct life *life)
{
	struct guest *g = &life->guest;

	return mem_add(g->part, 0, GUEST_MEMORY, g->ram, g->mem) ? errno : 0;
}

static int step_uart(struct life *life, enum bulkhead_uart_role role, int *uart)
{
	struct guest *g = &life->guest;
	int irq = eventfd(0, EFD_CLOEXEC);
	int error = result(uart, uart_create(g->part, role, irq));

	close(irq);
	return error;
}

static int step_uart_console(struct life *life)
{
	return step_uart(life, BULKHEAD_UART_CONSOLE, &life->guest.console);
}

static int step_uart_agent(struct life *life)
{
	return step_uart(life, BULKHEAD_UART_AGENT, &life->guest.agent);
}

static int step_rng_create(struct life *life)
{
	int irq = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_rng_create args = { .size = sizeof(args), .irq_fd = irq };
	int error = ioctl(life->guest.part, BULKHEAD_RNG_CREATE, &args) < 0 ? errno : 0;

	close(irq);
	return error;
}

static int step_disk_create(struct life *life)
{
	struct bulkhead_disk_create args = { .size = sizeof(args), .queues = 2, .serial = "1" };
	int error;

	args.irq_fd = eventfd(0, EFD_CLOEXEC);
	args.fd = memfd_create("disk", MFD_CLOEXEC);
	if (args.irq_fd < 0 || args.fd < 0 || ftruncate(args.fd, 1 << 20))
		abort();
	error = ioctl(life->guest.part, BULKHEAD_DISK_CREATE, &args) < 0 ? errno : 0;
	close(args.fd);
	close(args.irq_fd);
	return error;
}

static int step_balloon_create(struct life *life)
{
	int irq = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_balloon_create args = { .size = sizeof(args), .irq_fd = irq };
	int error = ioctl(life->guest.part, BULKHEAD_BALLOON_CREATE, &args) < 0 ? errno : 0;

	close(irq);
	return error;
}

static int step_external_create(struct life *life)
{
	__u64 config = 1;
	__s32 kicks[2] = { eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC) };
	int irq = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_external_create args = {
		.size = sizeof(args), .irq_fd = irq, .device = 19, .queues = 2, .queue_max = 64,
		.features = 1ULL << 32, .config = (unsigned long)&config,
		.config_bytes = sizeof(config), .kick_fds = (unsigned long)kicks,
	};
	int error = result(&life->external,
			   ioctl(life->guest.part, BULKHEAD_EXTERNAL_CREATE, &args));

	close(irq);
	close(kicks[1]);
	close(kicks[0]);
	return error;
}

static int step_external_config_set(struct life *life)
{
	__u32 value = 2;
	struct bulkhead_external_config_set args = {
		.size = sizeof(args), .bytes = sizeof(value), .data = (unsigned long)&value,
	};

	return ioctl(life->external, BULKHEAD_EXTERNAL_CONFIG_SET, &args) ? errno : 0;
}

static int step_external_get(struct life *life)
{
	struct bulkhead_external_get args = { .size = sizeof(args) };

	return ioctl(life->external, BULKHEAD_EXTERNAL_GET, &args) ? errno : 0;
}

static int step_hvc_create(struct life *life)
{
	int irq = eventfd(0, EFD_CLOEXEC);
	struct bulkhead_hvc_create args = { .size = sizeof(args), .irq_fd = irq };
	int error = ioctl(life->guest.part, BULKHEAD_HVC_CREATE, &args) < 0 ? errno : 0;

	close(irq);
	return error;
}

static int step_vcpu_create(struct life *life)
{
	return result(&life->guest.vcpu, vcpu_create(life->guest.part, 0));
}

static int step_second_create(struct life *life)
{
	return result(&life->guest.second, vcpu_create(life->guest.part, 1));
}

static int step_console_open(struct life *life)
{
	return result(&life->watcher, console_open(life->guest.dev, life->guest.id));
}

/* A guest that can't be gone on with stops with reason "error". */
static int step_vcpu_run(struct life *life)
{
	struct bulkhead_vcpu_run run;

	if (vcpu_run(life->guest.vcpu, &run))
		return errno;
	return run.reason == BULKHEAD_REASON_POWEROFF ? 0 : EIO;
}

static int step_worker_run(struct life *life)
{
	struct bulkhead_worker_run args = { .size = sizeof(args) };

	return ioctl(life->guest.part, BULKHEAD_WORKER_RUN, &args) ? errno : 0;
}

static int step_read(struct life *life, int fd)
{
	memset(life->text, 0, sizeof(life->text));
	if (read(fd, life->text, sizeof(life->text)) < 0)
		return errno;
	return strcmp(life->text, "out") ? ENODATA : 0;
}

static int step_console_read(struct life *life)
{
	return step_read(life, life->watcher);
}

static int step_agent_read(struct life *life)
{
	return step_read(life, life->guest.agent);
}

/*
 * In the order of a partition's life. What of these comes before a step that is tested is done
 * without faults.
 */
static const struct step {
	int (*act)(struct life *life);
	int error;		/* besides ENOMEM and EFAULT */
	bool final;		/* after an error, the partition is of no use */
} steps[] = {
	{ .act = step_open },
	{ .act = step_part_create },
	{ .act = step_mem_add },
	{ .act = step_uart_console },
	{ .act = step_uart_agent },
	{ .act = step_rng_create },
	{ .act = step_hvc_create },
	{ .act = step_balloon_create },
	{ .act = step_disk_create },
	{ .act = step_external_create },
	{ .act = step_external_config_set },
	{ .act = step_external_get },
	{ .act = step_vcpu_create, .final = true },
	{ .act = step_second_create, .final = true },
	{ .act = step_console_open },
	{ .act = step_vcpu_run, .error = EIO, .final = true },
	{ .act = step_worker_run },
	{ .act = step_console_read },
	{ .act = step_agent_read },
};

static void life_begin(struct life *life)
{
	struct guest *g = &life->guest;

	*life = (struct life){
		.guest = {
			.dev = -1, .part = -1, .mem = -1, .vcpu = -1, .second = -1, .irq = -1,
			.console = -1, .agent = -1,
		},
		.watcher = -1, .external = -1,
	};
	/* By the test, not in a step: what it holds is not the partition's. */
	g->mem = ram_create(GUEST_MEMORY, &g->ram);
	if (g->mem >= 0)
		memory_fill(g->ram, guest_talk, guest_talk_end);
}

static void life_end(struct life *life)
{
	close(life->watcher);
	close(life->external);
	guest_destroy(&life->guest);
}

/* Lives up to, and without, a step. */
static int life_until(struct life *life, int (*act)(struct life *life))
{
	unsigned int i;
	int error = 0;

	life_begin(life);
	for (i = 0; i < ARRAY_SIZE(steps) && steps[i].act != act && !error; i++)
		error = steps[i].act(life);
	return error;
}

static void faults_setup(struct __test_metadata *_metadata)
{
	if (access(DEBUGFS "failslab", F_OK) || access("/proc/thread-self/fail-nth", W_OK))
		SKIP(return, "needs root, and a kernel with fault injection");
	ASSERT_TRUE(faults_init());
}

static const struct step *step_find(int (*act)(struct life *life))
{
	const struct step *step = steps;

	while (step->act != act)
		step++;
	return step;
}

/*
 * Takes the step with a first, a second, ... fault, until there is none to be had. After an error
 * the partition is as before: the next fault strikes the same one, and in the end the step
 * succeeds.
 */
static void each_fault(struct __test_metadata *_metadata, struct life *life,
		       int (*act)(struct life *life))
{
	const struct step *step = step_find(act);
	struct holdings before, after;
	bool happened = true, anew = true;
	unsigned int nth, errors = 0;
	int error;

	for (nth = 1; happened; nth++) {
		if (anew) {
			life_end(life);
			ASSERT_EQ(0, life_until(life, act));
		}
		before = holdings_count();
		fault_arm(nth);
		error = act(life);
		happened = fault_disarm();
		if (!happened) {
			EXPECT_EQ(0, error);
			break;
		}
		if (error) {
			errors++;
			after = holdings_count();
			EXPECT_TRUE(error == ENOMEM || error == EFAULT || error == step->error)
				TH_LOG("fault %u: %s", nth, strerror(error));
			EXPECT_EQ(before.fd, after.fd);
			EXPECT_EQ(before.mappings, after.mappings);
		}
		/* A fault may be without consequence. */
		anew = !error || step->final;
	}
	TH_LOG("%u faults, %u errors", nth - 1, errors);
	EXPECT_GT(errors, 0);
}

FIXTURE(step) {
	struct life life;
};

FIXTURE_VARIANT(step) {
	int (*act)(struct life *life);
};

FIXTURE_VARIANT_ADD(step, part_create) { .act = step_part_create };
FIXTURE_VARIANT_ADD(step, mem_add) { .act = step_mem_add };
FIXTURE_VARIANT_ADD(step, uart_console) { .act = step_uart_console };
FIXTURE_VARIANT_ADD(step, uart_agent) { .act = step_uart_agent };
FIXTURE_VARIANT_ADD(step, rng_create) { .act = step_rng_create };
FIXTURE_VARIANT_ADD(step, hvc_create) { .act = step_hvc_create };
FIXTURE_VARIANT_ADD(step, balloon_create) { .act = step_balloon_create };
FIXTURE_VARIANT_ADD(step, disk_create) { .act = step_disk_create };
FIXTURE_VARIANT_ADD(step, external_create) { .act = step_external_create };
FIXTURE_VARIANT_ADD(step, external_config_set) { .act = step_external_config_set };
FIXTURE_VARIANT_ADD(step, external_get) { .act = step_external_get };
FIXTURE_VARIANT_ADD(step, vcpu_create) { .act = step_vcpu_create };
FIXTURE_VARIANT_ADD(step, second_create) { .act = step_second_create };
FIXTURE_VARIANT_ADD(step, console_open) { .act = step_console_open };
FIXTURE_VARIANT_ADD(step, vcpu_run) { .act = step_vcpu_run };
FIXTURE_VARIANT_ADD(step, worker_run) { .act = step_worker_run };
FIXTURE_VARIANT_ADD(step, console_read) { .act = step_console_read };
FIXTURE_VARIANT_ADD(step, agent_read) { .act = step_agent_read };

FIXTURE_SETUP(step)
{
	faults_setup(_metadata);
	life_begin(&self->life);
}

FIXTURE_TEARDOWN(step)
{
	life_end(&self->life);
}

TEST_F_TIMEOUT(step, each_fault, PATIENCE)
{
	each_fault(_metadata, &self->life, variant->act);
}

FIXTURE(fault) {
	struct life life;
};

FIXTURE_SETUP(fault)
{
	faults_setup(_metadata);
	life_begin(&self->life);
}

FIXTURE_TEARDOWN(fault)
{
	life_end(&self->life);
}

/* The last descriptor of a partition is closed: no error can be returned, and it is gone. */
static void each_fault_of_the_end(struct __test_metadata *_metadata, struct life *life,
				  int (*until)(struct life *life), int *last)
{
	bool happened = true;
	unsigned int nth;
	int fd, watcher;

	for (nth = 1; happened; nth++) {
		ASSERT_EQ(0, life_until(life, until));
		fd = dup(*last);
		watcher = open("/dev/bulkhead", O_RDWR | O_CLOEXEC);
		life_end(life);
		fault_arm(nth);
		close(fd);
		happened = fault_disarm();
		EXPECT_EQ(-1, console_open(watcher, life->guest.id));
		EXPECT_EQ(ENODEV, errno);
		close(watcher);
	}
	life_begin(life);
	TH_LOG("%u faults", nth - 2);
	EXPECT_GT(nth, 2);
}

TEST_F(fault, end_by_partition)
{
	each_fault_of_the_end(_metadata, &self->life, step_mem_add, &self->life.guest.part);
}

TEST_F(fault, end_by_uart)
{
	each_fault_of_the_end(_metadata, &self->life, step_vcpu_run, &self->life.guest.agent);
}

TEST_F(fault, end_by_vcpu)
{
	each_fault_of_the_end(_metadata, &self->life, NULL, &self->life.guest.vcpu);
}

static struct nl_sock *sock_open(int *family)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock || genl_connect(sock))
		return NULL;
	*family = genl_ctrl_resolve(sock, BULKHEAD_FAMILY_NAME);
	return *family < 0 ? NULL : sock;
}

/* Asks for something by netlink; returns 0 or an errno. */
static int ask(struct nl_sock *sock, int family, int cmd, __u32 id)
{
	struct nl_msg *msg = nlmsg_alloc();
	int error;

	genlmsg_put(msg, 0, 0, family, 0, 0, cmd, BULKHEAD_FAMILY_VERSION);
	nla_put_u32(msg, BULKHEAD_A_PART_ID, id);
	error = nl_send_sync(sock, msg);
	return error == -NLE_NOMEM ? ENOMEM : -error;
}

/* Asks with each fault in turn; returns how often that was refused. */
static unsigned int each_fault_of_ask(struct __test_metadata *_metadata, struct nl_sock *sock,
				      int family, int cmd, __u32 id)
{
	unsigned int nth, errors = 0;
	bool happened = true;
	int error;

	for (nth = 1; happened; nth++) {
		fault_arm(nth);
		error = ask(sock, family, cmd, id);
		happened = fault_disarm();
		EXPECT_TRUE(!error || (happened && error == ENOMEM))
			TH_LOG("fault %u: %d", nth, error);
		errors += error != 0;
	}
	return errors;
}

TEST_F(fault, netlink)
{
	struct nl_sock *sock;
	int family;
	__u32 id;

	ASSERT_EQ(0, life_until(&self->life, step_vcpu_run));
	id = self->life.guest.id;
	sock = sock_open(&family);
	ASSERT_NE(NULL, sock);
	EXPECT_GT(each_fault_of_ask(_metadata, sock, family, BULKHEAD_CMD_PART_GET, id), 0);
	each_fault_of_ask(_metadata, sock, family, BULKHEAD_CMD_PART_RESCAN, id);
	each_fault_of_ask(_metadata, sock, family, BULKHEAD_CMD_PART_KILL, id);
	nl_socket_free(sock);
}

/* An event that can't be sent is lost, and its listeners are told so. */
TEST_F(fault, events)
{
	struct life *life = &self->life;
	unsigned int nth, lost = 0;
	bool happened = true;
	char event[4096];
	int family, group, error;
	struct nl_sock *sock;
	ssize_t len;

	for (nth = 1; happened; nth++) {
		life_end(life);
		ASSERT_EQ(0, life_until(life, step_part_create));
		sock = sock_open(&family);
		ASSERT_NE(NULL, sock);
		group = genl_ctrl_resolve_grp(sock, BULKHEAD_FAMILY_NAME, BULKHEAD_MCGRP_EVENTS);
		ASSERT_EQ(0, nl_socket_add_membership(sock, group));
		fault_arm(nth);
		error = step_part_create(life);
		happened = fault_disarm();
		len = recv(nl_socket_get_fd(sock), event, sizeof(event), MSG_DONTWAIT);
		if (error) {
			EXPECT_EQ(-1, len);
			EXPECT_EQ(EAGAIN, errno);
		} else if (len < 0) {
			EXPECT_EQ(ENOBUFS, errno);
			lost++;
		} else {
			EXPECT_EQ(len, ((struct nlmsghdr *)event)->nlmsg_len);
		}
		nl_socket_free(sock);
	}
	EXPECT_GT(lost, 0);
}

TEST_HARNESS_MAIN
