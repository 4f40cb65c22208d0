// SPDX-License-Identifier: GPL-2.0-only
/* The machine that a guest sees: how it stops, what is where nothing is, and its UARTs. */
#include "guest.h"

PROGRAM(poweroff, OUTB(BULKHEAD_PORT_EXIT_STATUS, 42) POWEROFF);
PROGRAM(silent, POWEROFF);
PROGRAM(not_off, OUTB(BULKHEAD_PORT_SLEEP_CONTROL, 0x14) OUTB(BULKHEAD_PORT_SLEEP_STATUS, 0x34)
	OUTB(BULKHEAD_PORT_KBC, 0x60) OUTB(BULKHEAD_PORT_RESET, 0x02)
	OUTB(BULKHEAD_PORT_PVPANIC, 0x02) POWEROFF);
PROGRAM(reset, OUTB(BULKHEAD_PORT_RESET, 0x02) OUTB(BULKHEAD_PORT_RESET, 0x0e));
PROGRAM(kbc_reset, OUTB(BULKHEAD_PORT_KBC, BULKHEAD_KBC_RESET));
PROGRAM(pvpanic, OUTB(BULKHEAD_PORT_PVPANIC, BULKHEAD_PVPANIC_PANICKED));
PROGRAM(warm_reset, OUTB(BULKHEAD_PORT_RESET, 0x06));
PROGRAM(triple_fault, "ud2\n");
PROGRAM(no_memory, "mov $0x40000000, %rax\njmp *%rax\n");

FIXTURE(stop)
{
	struct guest guest;
};

FIXTURE_VARIANT(stop)
{
	const char *code, *end;
	int reason, exit_status;
};

FIXTURE_VARIANT_ADD(stop, poweroff)
{
	.code = guest_poweroff,
	.end = guest_poweroff_end,
	.reason = BULKHEAD_REASON_POWEROFF,
	.exit_status = 42,
};

FIXTURE_VARIANT_ADD(stop, silent)
{
	.code = guest_silent,
	.end = guest_silent_end,
	.reason = BULKHEAD_REASON_POWEROFF,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, not_off)
{
	.code = guest_not_off,
	.end = guest_not_off_end,
	.reason = BULKHEAD_REASON_POWEROFF,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, reset)
{
	.code = guest_reset,
	.end = guest_reset_end,
	.reason = BULKHEAD_REASON_RESET,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, kbc_reset)
{
	.code = guest_kbc_reset,
	.end = guest_kbc_reset_end,
	.reason = BULKHEAD_REASON_RESET,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, pvpanic)
{
	.code = guest_pvpanic,
	.end = guest_pvpanic_end,
	.reason = BULKHEAD_REASON_PANIC,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, warm_reset)
{
	.code = guest_warm_reset,
	.end = guest_warm_reset_end,
	.reason = BULKHEAD_REASON_PANIC,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, triple_fault)
{
	.code = guest_triple_fault,
	.end = guest_triple_fault_end,
	.reason = BULKHEAD_REASON_TRIPLE_FAULT,
	.exit_status = -1,
};

FIXTURE_VARIANT_ADD(stop, no_memory)
{
	.code = guest_no_memory,
	.end = guest_no_memory_end,
	.reason = BULKHEAD_REASON_ERROR,
	.exit_status = -1,
};

FIXTURE_SETUP(stop)
{
	ASSERT_TRUE(guest_create(&self->guest, "", variant->code, variant->end));
}

FIXTURE_TEARDOWN(stop)
{
	guest_destroy(&self->guest);
}

TEST_F(stop, reason)
{
	struct bulkhead_vcpu_run run;

	ASSERT_EQ(0, vcpu_run(self->guest.vcpu, &run));
	EXPECT_EQ(variant->reason, (int)run.reason);
	EXPECT_EQ(variant->exit_status, run.exit_status);
	/* It stays stopped, and says so again. */
	ASSERT_EQ(0, vcpu_run(self->guest.vcpu, &run));
	EXPECT_EQ(variant->reason, (int)run.reason);
}

/* Reads of every width from nothing: into GUEST_DATA, 8 bytes each. */
PROGRAM(nothing,
	"mov $" STRING(GUEST_DATA) ", %rbx\n"
	"xor %eax, %eax\nmov $0x1234, %dx\nin %dx, %al\nmov %rax, (%rbx)\n"
	"xor %eax, %eax\nmov $0x1f, %dx\nin %dx, %ax\nmov %rax, 8(%rbx)\n"
	"xor %eax, %eax\nmov $0xffff, %dx\nin %dx, %eax\nmov %rax, 16(%rbx)\n"
	"xor %eax, %eax\nmov $0xd0000000, %ecx\nmovb (%rcx), %al\nmov %rax, 24(%rbx)\n"
	"mov (%rcx), %rax\nmov %rax, 32(%rbx)\n"
	"movq $0, (%rcx)\nmovb $0, (%rcx)\n"
	"mov $0x40000000, %ecx\nmov (%rcx), %rax\nmov %rax, 40(%rbx)\n"
	"mov $0xfffffffc, %ecx\nmov (%rcx), %eax\nmov %rax, 48(%rbx)\n"
	"mov $0x5678, %dx\nout %eax, %dx\n"
	"mov $0x3f7, %dx\nin %dx, %ax\nmovzx %ax, %eax\nmov %rax, 56(%rbx)\n"
	/* a string of 16 from a port without a device */
	"mov $" STRING(GUEST_DATA) " + 64, %edi\nmov $16, %ecx\nmov $0x1234, %dx\nrep insb\n"
	POWEROFF);

TEST(nothing_reads_all_ones)
{
	struct bulkhead_vcpu_run run;
	struct guest g;
	__u64 *data;

	ASSERT_TRUE(guest_create(&g, "", guest_nothing, guest_nothing_end));
	data = (__u64 *)(g.ram + GUEST_DATA);
	ASSERT_EQ(0, vcpu_run(g.vcpu, &run));
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, run.reason);
	EXPECT_EQ(0xff, data[0]);
	EXPECT_EQ(0xffff, data[1]);
	EXPECT_EQ(0xffffffff, data[2]);
	EXPECT_EQ(0xff, data[3]);
	EXPECT_EQ(~0ULL, data[4]);
	EXPECT_EQ(~0ULL, data[5]);
	EXPECT_EQ(0xffffffff, data[6]);
	/* Half of it is the console's first register: nothing was received. */
	EXPECT_EQ(0x00ff, data[7]);
	EXPECT_EQ(~0ULL, data[8]);
	EXPECT_EQ(~0ULL, data[9]);
	guest_destroy(&g);
}

/* Sends 16 KiB five times over: 'a' for the first 16 KiB and so on. */
PROGRAM(talk,
	"mov $'a', %al\nmov $" STRING(BULKHEAD_PORT_COM1) ", %dx\n"
	"1: mov $0x4000, %ecx\n2: out %al, %dx\nloop 2b\n"
	"inc %al\ncmp $'f', %al\njne 1b\n"
	POWEROFF);

TEST(console_keeps_the_newest)
{
	static char text[2 * BULKHEAD_UART_RING];
	struct bulkhead_vcpu_run run;
	struct guest g;
	int log, i;

	ASSERT_TRUE(guest_create(&g, "", guest_talk, guest_talk_end));
	log = console_open(g.dev, g.id);
	ASSERT_GE(log, 0);
	ASSERT_EQ(0, vcpu_run(g.vcpu, &run));
	ASSERT_EQ(BULKHEAD_UART_RING, read(log, text, sizeof(text)));
	/* What was lost is the position, less what was read. */
	EXPECT_EQ(5 * 0x4000, lseek(log, 0, SEEK_CUR));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ('b' + i, text[i * 0x4000]);
		EXPECT_EQ('b' + i, text[i * 0x4000 + 0x3fff]);
	}
	EXPECT_EQ(0, read(log, text, sizeof(text)));
	/* Another reader has a position of its own, and seeks. */
	EXPECT_EQ(5 * 0x4000 - 3, lseek(g.console, -3, SEEK_END));
	EXPECT_EQ(3, read(g.console, text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, "eee", 3));
	/* The partition goes, the text remains. */
	guest_destroy(&g);
	EXPECT_EQ(0, lseek(log, 0, SEEK_SET));
	EXPECT_EQ(BULKHEAD_UART_RING, read(log, text, sizeof(text)));
	close(log);
}

/* Echoes what the agent's UART receives until a zero, RTS on; waits for room to send. */
PROGRAM(echo,
	"mov $" STRING(BULKHEAD_PORT_COM2) " + 4, %dx\nmov $2, %al\nout %al, %dx\n"
	"1: mov $" STRING(BULKHEAD_PORT_COM2) " + 5, %dx\nin %dx, %al\ntest $1, %al\njz 1b\n"
	"mov $" STRING(BULKHEAD_PORT_COM2) ", %dx\nin %dx, %al\nmov %al, %bl\n"
	"test %bl, %bl\njz 3f\n"
	"2: mov $" STRING(BULKHEAD_PORT_COM2) " + 5, %dx\nin %dx, %al\ntest $0x20, %al\njz 2b\n"
	"mov $" STRING(BULKHEAD_PORT_COM2) ", %dx\nmov %bl, %al\nout %al, %dx\njmp 1b\n"
	"3:\n" POWEROFF);

/* Enables the UART's interrupt for received data, and sleeps. The handler powers off. */
#define RECEIVER(port) \
	"mov $" STRING(port) " + 4, %dx\nmov $2, %al\nout %al, %dx\n" \
	"sub $3, %dx\nmov $1, %al\nout %al, %dx\nmov $0x9000, %esp\nsti\n"
PROGRAM(console_receiver, RECEIVER(BULKHEAD_PORT_COM1));
PROGRAM(agent_receiver, RECEIVER(BULKHEAD_PORT_COM2));

static void *echo_run(void *arg);

FIXTURE(interrupt)
{
	struct guest guest;
};

FIXTURE_VARIANT(interrupt)
{
	const char *code, *end;
	int irq;
};

FIXTURE_VARIANT_ADD(interrupt, console)
{
	.code = guest_console_receiver,
	.end = guest_console_receiver_end,
	.irq = BULKHEAD_IRQ_COM1,
};

FIXTURE_VARIANT_ADD(interrupt, agent)
{
	.code = guest_agent_receiver,
	.end = guest_agent_receiver_end,
	.irq = BULKHEAD_IRQ_COM2,
};

/* After reset the vectors are the interrupts' numbers, and the descriptor table is at zero. */
FIXTURE_SETUP(interrupt)
{
	const __u64 handler = 0x30000;
	struct guest *g = &self->guest;
	__u64 *gate;

	ASSERT_TRUE(guest_create(g, "", variant->code, variant->end));
	memcpy(g->ram + handler, guest_poweroff, guest_poweroff_end - guest_poweroff);
	gate = (__u64 *)(g->ram + 16 * variant->irq);
	gate[0] = (handler & 0xffff) | 0x10 << 16 | 0x8eULL << 40 | (handler >> 16) << 48;
	/* The partition holds the eventfds from here on. */
	close(g->irq);
	g->irq = -1;
}

FIXTURE_TEARDOWN(interrupt)
{
	guest_destroy(&self->guest);
}

TEST_F(interrupt, reaches_a_sleeping_guest)
{
	struct guest *g = &self->guest;
	pthread_t runner;
	void *result;

	ASSERT_EQ(0, pthread_create(&runner, NULL, echo_run, g));
	ASSERT_EQ(1, write(variant->irq == BULKHEAD_IRQ_COM1 ? g->console : g->agent, "x", 1));
	pthread_join(runner, &result);
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, (long)result);
}

#define ECHO_BYTES (BULKHEAD_UART_RING + 8192)

static void *echo_write(void *arg)
{
	struct guest *g = arg;
	char *text = malloc(ECHO_BYTES + 1);
	long i, n;

	for (i = 0; i < ECHO_BYTES; i++)
		text[i] = 1 + i % 251;
	text[ECHO_BYTES] = 0;
	for (i = 0; i <= ECHO_BYTES; i += n) {
		n = write(g->agent, text + i, ECHO_BYTES + 1 - i);
		if (n <= 0)
			break;
	}
	free(text);
	return (void *)i;
}

static void *echo_run(void *arg)
{
	struct guest *g = arg;
	struct bulkhead_vcpu_run run;

	if (vcpu_run(g->vcpu, &run))
		return (void *)-1L;
	return (void *)(long)run.reason;
}

TEST(agent_uart_loses_nothing)
{
	pthread_t writer, runner;
	unsigned char byte[4096];
	void *result;
	struct guest g;
	long i = 0, n, bad = 0;

	ASSERT_TRUE(guest_create(&g, "", guest_echo, guest_echo_end));
	ASSERT_EQ(0, pthread_create(&runner, NULL, echo_run, &g));
	ASSERT_EQ(0, pthread_create(&writer, NULL, echo_write, &g));
	/* As long as nobody reads, the guest gets as far as the ring holds, and no further. */
	while (lseek(g.agent, 0, SEEK_END) < BULKHEAD_UART_RING - 15)
		usleep(1000);
	lseek(g.agent, 0, SEEK_SET);
	while ((n = read(g.agent, byte, sizeof(byte))) > 0)
		for (long k = 0; k < n; k++, i++)
			bad += byte[k] != 1 + i % 251;
	EXPECT_EQ(0, n);
	EXPECT_EQ(ECHO_BYTES, i);
	EXPECT_EQ(0, bad);
	pthread_join(writer, &result);
	EXPECT_EQ(ECHO_BYTES + 1, (long)result);
	pthread_join(runner, &result);
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, (long)result);
	EXPECT_EQ(-1, write(g.agent, "x", 1));
	EXPECT_EQ(EPIPE, errno);
	guest_destroy(&g);
}

/* Where a vCPU starts that was told to by STARTUP, in real mode, and what it leaves in memory. */
#define SECOND_CODE	0x8000
#define SECOND_DATA	(GUEST_DATA + 0x100)
#define ICR		0xfee00300
#define STARTUP \
	"mov $" STRING(ICR) ", %ebx\n" \
	"movl $0xc4500, (%rbx)\n"	/* INIT to all others */ \
	"movl $0xc4608, (%rbx)\n"	/* and where to start, in pages */

#define REAL_MODE(code) ".code16\n" code "7: hlt\njmp 7b\n.code64\n"

PROGRAM(second, REAL_MODE("mov $1, %eax\ncpuid\n"
	"mov $" STRING(SECOND_DATA) " >> 4, %ax\nmov %ax, %ds\n"
	"mov %ebx, 4\nmovb $1, 0\n"));
PROGRAM(second_poweroff, REAL_MODE(POWEROFF));

PROGRAM(first, STARTUP "1: pause\ncmpb $0, " STRING(SECOND_DATA) "\nje 1b\n" POWEROFF);
PROGRAM(first_halts, STARTUP);
PROGRAM(first_waits, "1: pause\ncmpb $0, " STRING(SECOND_DATA) "\nje 1b\n" POWEROFF);

static void *second_run(void *arg)
{
	struct guest *g = arg;
	struct bulkhead_vcpu_run run;

	if (vcpu_run(g->second, &run))
		return (void *)-1L;
	return (void *)(long)run.reason;
}

FIXTURE(second)
{
	struct guest guest;
	pthread_t first, second;
};

FIXTURE_SETUP(second)
{
}

FIXTURE_TEARDOWN(second)
{
	void *result;

	pthread_join(self->first, &result);
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, (long)result);
	pthread_join(self->second, &result);
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, (long)result);
	guest_destroy(&self->guest);
}

#define START(name, second_name) do { \
	struct guest *g = &self->guest; \
	ASSERT_TRUE(guest_create_vcpus(g, "", guest_##name, guest_##name##_end, 2)); \
	memcpy(g->ram + SECOND_CODE, guest_##second_name, \
	       guest_##second_name##_end - guest_##second_name); \
	ASSERT_EQ(0, pthread_create(&self->first, NULL, echo_run, g)); \
	ASSERT_EQ(0, pthread_create(&self->second, NULL, second_run, g)); \
} while (0)

TEST_F(second, starts)
{
	__u32 ebx;

	START(first, second);
	pthread_join(self->first, NULL);
	/* So that teardown has it too. */
	ASSERT_EQ(0, pthread_create(&self->first, NULL, echo_run, &self->guest));
	memcpy(&ebx, self->guest.ram + SECOND_DATA + 4, sizeof(ebx));
	/* It is APIC 1, and one of two in the package. */
	EXPECT_EQ(1, ebx >> 24);
	EXPECT_EQ(2, ebx >> 16 & 0xff);
}

TEST_F(second, stops_the_first)
{
	START(first_halts, second_poweroff);
}

static bool sleeps(pid_t thread)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	file = fopen(path, "r");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (file)
		fclose(file);
	return state == 'S';
}

struct waiting {
	struct guest *guest;
	pid_t thread;
};

static void *waiting_run(void *arg)
{
	struct waiting *waiting = arg;

	__atomic_store_n(&waiting->thread, gettid(), __ATOMIC_RELEASE);
	return second_run(waiting->guest);
}

/* A vCPU that was never told to start is stopped with the others. */
TEST_F(second, stops_while_it_waits)
{
	struct waiting waiting = { .guest = &self->guest };
	struct guest *g = &self->guest;

	ASSERT_TRUE(guest_create_vcpus(g, "", guest_first_waits, guest_first_waits_end, 2));
	ASSERT_EQ(0, pthread_create(&self->second, NULL, waiting_run, &waiting));
	while (!__atomic_load_n(&waiting.thread, __ATOMIC_ACQUIRE) || !sleeps(waiting.thread))
		usleep(1000);
	ASSERT_EQ(0, pthread_create(&self->first, NULL, echo_run, g));
	g->ram[SECOND_DATA] = 1;
}

TEST_HARNESS_MAIN
