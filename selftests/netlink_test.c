// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: get, dump, kill, events, who may, and what is malformed. */
#include <sys/wait.h>

#include "request.h"

#define STRANGER 12345

PROGRAM(spin, "1: pause\njmp 1b\n");
PROGRAM(exit_7, "mov $0x1234, %dx\nin %dx, %al\n" OUTB(BULKHEAD_PORT_EXIT_STATUS, 7) POWEROFF);

FIXTURE(netlink) {
	struct nl_sock *sock;
	int family;
	struct guest guest;
	struct answer answer;
};

FIXTURE_SETUP(netlink)
{
	self->sock = sock_open(&self->family, &self->answer);
	ASSERT_NE(NULL, self->sock);
	ASSERT_TRUE(guest_create(&self->guest, "netlink-test", guest_exit_7, guest_exit_7_end));
}

FIXTURE_TEARDOWN(netlink)
{
	answer_clear(&self->answer);
	nl_socket_free(self->sock);
	guest_destroy(&self->guest);
}

TEST_F(netlink, get)
{
	struct answer *answer = &self->answer;
	struct part *part = answer->parts;
	struct bulkhead_vcpu_run run;

	ASSERT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, self->guest.id,
			   answer));
	ASSERT_EQ(1, answer->count);
	EXPECT_EQ(BULKHEAD_CMD_PART_GET, part->cmd);
	EXPECT_EQ(self->guest.id, nla_get_u32(part->attrs[BULKHEAD_A_PART_ID]));
	EXPECT_STREQ("netlink-test", nla_get_string(part->attrs[BULKHEAD_A_PART_NAME]));
	EXPECT_EQ(BULKHEAD_STATE_CREATED, nla_get_u32(part->attrs[BULKHEAD_A_PART_STATE]));
	EXPECT_EQ(getuid(), nla_get_u32(part->attrs[BULKHEAD_A_PART_OWNER]));
	EXPECT_EQ(getpid(), nla_get_u32(part->attrs[BULKHEAD_A_PART_RUNNER]));
	EXPECT_EQ(GUEST_MEMORY, nla_get_u64(part->attrs[BULKHEAD_A_PART_MEMORY]));
	EXPECT_EQ(1, nla_get_u32(part->attrs[BULKHEAD_A_PART_VCPUS]));
	EXPECT_EQ(BULKHEAD_CID_BASE + self->guest.id,
		  nla_get_u32(part->attrs[BULKHEAD_A_PART_CID]));
	EXPECT_EQ(0, nla_get_u64(part->attrs[BULKHEAD_A_PART_UPTIME]));
	EXPECT_EQ(NULL, part->attrs[BULKHEAD_A_PART_REASON]);
	EXPECT_EQ(NULL, part->attrs[BULKHEAD_A_PART_EXIT_STATUS]);
	EXPECT_EQ(0, exits(part, BULKHEAD_A_EXITS_TOTAL));
	EXPECT_EQ(0, exits(part, BULKHEAD_A_EXITS_RUNNER));

	ASSERT_EQ(0, vcpu_run(self->guest.vcpu, &run));
	ASSERT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, self->guest.id,
			   answer));
	EXPECT_EQ(BULKHEAD_STATE_STOPPED, nla_get_u32(part->attrs[BULKHEAD_A_PART_STATE]));
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, nla_get_u32(part->attrs[BULKHEAD_A_PART_REASON]));
	EXPECT_EQ(7, nla_get_u32(part->attrs[BULKHEAD_A_PART_EXIT_STATUS]));
	EXPECT_LT(0, nla_get_u64(part->attrs[BULKHEAD_A_PART_UPTIME]));
	EXPECT_EQ(3, exits(part, BULKHEAD_A_EXITS_IO));
	EXPECT_EQ(1, exits(part, BULKHEAD_A_EXITS_UNCLAIMED));
	EXPECT_EQ(1, exits(part, BULKHEAD_A_EXITS_RUNNER));
	EXPECT_LE(3, exits(part, BULKHEAD_A_EXITS_TOTAL));
}

TEST_F(netlink, refusals)
{
	struct answer *answer = &self->answer;
	struct nl_msg *msg;
	int cmds[] = { BULKHEAD_CMD_PART_GET, BULKHEAD_CMD_PART_KILL,
		       BULKHEAD_CMD_PART_STOP };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(-ENODEV, by_id(self->sock, self->family, cmds[i], 0x7fffffff, answer));
		EXPECT_STREQ("no partition has id 2147483647", answer->message);
		EXPECT_EQ(20, answer->attr_offset);

		/* no id, and ids that are none */
		msg = request(self->family, cmds[i], NLM_F_ACK);
		EXPECT_EQ(-EINVAL, send_request(self->sock, msg, answer));
		EXPECT_NE(NULL, strstr(answer->message, "id is missing"));

		EXPECT_EQ(-ERANGE, by_id(self->sock, self->family, cmds[i], 0, answer));
		EXPECT_NE(0, strlen(answer->message));

		msg = request(self->family, cmds[i], NLM_F_ACK);
		nla_put_u16(msg, BULKHEAD_A_PART_ID, 1);
		EXPECT_NE(0, send_request(self->sock, msg, answer));
		EXPECT_NE(0, strlen(answer->message));

		msg = request(self->family, cmds[i], NLM_F_ACK);
		nla_put_u64(msg, BULKHEAD_A_PART_ID, self->guest.id);
		EXPECT_NE(0, send_request(self->sock, msg, answer));
		EXPECT_NE(0, strlen(answer->message));

		/* an attribute nobody knows, and one that belongs to answers */
		msg = request(self->family, cmds[i], NLM_F_ACK);
		nla_put_u32(msg, BULKHEAD_A_PART_ID, self->guest.id);
		nla_put_u32(msg, 99, 1);
		EXPECT_EQ(-EINVAL, send_request(self->sock, msg, answer));
		EXPECT_NE(0, strlen(answer->message));

		msg = request(self->family, cmds[i], NLM_F_ACK);
		nla_put_u32(msg, BULKHEAD_A_PART_ID, self->guest.id);
		nla_put_string(msg, BULKHEAD_A_PART_NAME, "x");
		EXPECT_EQ(-EINVAL, send_request(self->sock, msg, answer));
		EXPECT_NE(0, strlen(answer->message));

		/* an attribute longer than the message */
		msg = request(self->family, cmds[i], NLM_F_ACK);
		nla_put_u32(msg, BULKHEAD_A_PART_ID, self->guest.id);
		((struct nlattr *)genlmsg_attrdata(genlmsg_hdr(nlmsg_hdr(msg)), 0))->nla_len = 64;
		EXPECT_EQ(-EINVAL, send_request(self->sock, msg, answer));
	}
	/* an operation nobody knows, and the events, which are none */
	EXPECT_EQ(-EOPNOTSUPP, by_id(self->sock, self->family, 77, 1, answer));
	EXPECT_EQ(-EOPNOTSUPP, by_id(self->sock, self->family, BULKHEAD_CMD_PART_STOPPED,
				     self->guest.id, answer));
	/* None of it did anything. */
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, self->guest.id,
			   answer));
	EXPECT_EQ(BULKHEAD_STATE_CREATED,
		  nla_get_u32(answer->parts[0].attrs[BULKHEAD_A_PART_STATE]));
}

static void *runner(void *arg)
{
	struct bulkhead_vcpu_run run;

	if (vcpu_run(*(int *)arg, &run))
		return (void *)-1L;
	return (void *)(long)run.reason;
}

TEST_F(netlink, kill)
{
	struct answer *answer = &self->answer;
	struct guest spin;
	pthread_t thread;
	void *reason;

	ASSERT_TRUE(guest_create(&spin, "spin", guest_spin, guest_spin_end));
	ASSERT_EQ(0, pthread_create(&thread, NULL, runner, &spin.vcpu));
	do {
		ASSERT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, spin.id,
				   answer));
	} while (nla_get_u32(answer->parts[0].attrs[BULKHEAD_A_PART_STATE]) !=
		 BULKHEAD_STATE_RUNNING);
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, spin.id, answer));
	ASSERT_EQ(0, pthread_join(thread, &reason));
	EXPECT_EQ(BULKHEAD_REASON_KILLED, (long)reason);
	/* Twice is once too often. */
	EXPECT_EQ(-EBUSY, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, spin.id,
				answer));
	EXPECT_NE(NULL, strstr(answer->message, "has stopped already"));
	guest_destroy(&spin);

	/* One that has never run can be killed, and then never runs. */
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, self->guest.id,
			   answer));
	EXPECT_EQ(BULKHEAD_REASON_KILLED, (long)runner(&self->guest.vcpu));
}

static int kill_for(struct nl_sock *sock, int family, __u32 id, __u32 reason,
		    struct answer *answer)
{
	struct nl_msg *msg = request(family, BULKHEAD_CMD_PART_KILL, NLM_F_ACK);

	nla_put_u32(msg, BULKHEAD_A_PART_ID, id);
	nla_put_u32(msg, BULKHEAD_A_PART_REASON, reason);
	return send_request(sock, msg, answer);
}

/* The runner may say why, but not what only the module knows. */
TEST_F(netlink, kill_with_a_reason)
{
	struct answer *answer = &self->answer;
	unsigned int reason;

	for (reason = 0; reason <= BULKHEAD_REASON_UNRESPONSIVE; reason++) {
		if (reason == BULKHEAD_REASON_KILLED || reason == BULKHEAD_REASON_UNRESPONSIVE)
			continue;
		EXPECT_EQ(-EINVAL, kill_for(self->sock, self->family, self->guest.id, reason,
					    answer)) {
			TH_LOG("reason %u", reason);
		}
		EXPECT_LT(0, answer->attr_offset);
	}
	EXPECT_EQ(-ERANGE, kill_for(self->sock, self->family, self->guest.id, reason, answer));
	EXPECT_EQ(0, kill_for(self->sock, self->family, self->guest.id,
			      BULKHEAD_REASON_UNRESPONSIVE, answer));
	EXPECT_EQ(BULKHEAD_REASON_UNRESPONSIVE, (long)runner(&self->guest.vcpu));
}

/* Waits for the button's event, reads once more, and leaves both readings. */
PROGRAM(button,
	"mov $" STRING(BULKHEAD_PORT_EVENTS) ", %dx\n"
	"1: pause\nin %dx, %al\ntest %al, %al\njz 1b\n"
	"mov %al, " STRING(GUEST_DATA) "\nin %dx, %al\nmov %al, " STRING(GUEST_DATA) " + 1\n"
	POWEROFF);

TEST_F(netlink, button)
{
	struct answer *answer = &self->answer;
	struct guest g;
	pthread_t thread;
	void *reason;
	int irq;

	EXPECT_EQ(-ENXIO, by_id(self->sock, self->family, BULKHEAD_CMD_PART_STOP, self->guest.id,
				answer));
	EXPECT_NE(NULL, strstr(answer->message, "no power button"));

	ASSERT_TRUE(guest_create(&g, "", guest_button, guest_button_end));
	irq = eventfd(0, EFD_CLOEXEC);
	ASSERT_EQ(0, button_create(g.part, irq));
	close(irq);
	g.ram[GUEST_DATA + 1] = 0x7f;
	ASSERT_EQ(0, pthread_create(&thread, NULL, runner, &g.vcpu));
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_STOP, g.id, answer));
	ASSERT_EQ(0, pthread_join(thread, &reason));
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, (long)reason);
	EXPECT_EQ(BULKHEAD_EVENT_POWER_BUTTON, g.ram[GUEST_DATA]);
	EXPECT_EQ(0, g.ram[GUEST_DATA + 1]);
	EXPECT_EQ(-EBUSY, by_id(self->sock, self->family, BULKHEAD_CMD_PART_STOP, g.id, answer));
	EXPECT_NE(NULL, strstr(answer->message, "has stopped already"));
	guest_destroy(&g);
}

/* A guest that sleeps is woken, too: HLT with interrupts off never ends by itself. */
TEST_F(netlink, kill_while_halted)
{
	struct answer *answer = &self->answer;
	pthread_t thread;
	void *reason;

	self->guest.ram[GUEST_CODE] = 0xf4;
	self->guest.ram[GUEST_CODE + 1] = 0xeb;
	self->guest.ram[GUEST_CODE + 2] = 0xfd;
	ASSERT_EQ(0, pthread_create(&thread, NULL, runner, &self->guest.vcpu));
	do {
		ASSERT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET,
				   self->guest.id, answer));
	} while (!exits(answer->parts, BULKHEAD_A_EXITS_HALT));
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_KILL, self->guest.id,
			   answer));
	ASSERT_EQ(0, pthread_join(thread, &reason));
	EXPECT_EQ(BULKHEAD_REASON_KILLED, (long)reason);
}

static int dump(struct nl_sock *sock, int family, struct answer *answer)
{
	int ret;

	answer_clear(answer);
	do {
		struct nl_msg *msg = request(family, BULKHEAD_CMD_PART_GET, NLM_F_DUMP);

		nl_send_auto(sock, msg);
		nlmsg_free(msg);
		ret = nl_recvmsgs_default(sock);
	} while (ret == -NLE_DUMP_INTR);
	return ret;
}

TEST_F(netlink, dump)
{
	struct answer *answer = &self->answer;
	int parts[40];
	unsigned int i;
	__u32 last = 0;

	ASSERT_GE(dump(self->sock, self->family, answer), 0);
	ASSERT_EQ(1, answer->count);
	/* More than go into one message. */
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i] = part_create(self->guest.dev, "", NULL);
	ASSERT_GE(dump(self->sock, self->family, answer), 0);
	EXPECT_EQ(1 + ARRAY_SIZE(parts), answer->count);
	for (i = 0; i < answer->count; i++) {
		EXPECT_LT(last, nla_get_u32(answer->parts[i].attrs[BULKHEAD_A_PART_ID]));
		last = nla_get_u32(answer->parts[i].attrs[BULKHEAD_A_PART_ID]);
		EXPECT_FALSE(nlmsg_hdr(answer->parts[i].msg)->nlmsg_flags & NLM_F_DUMP_INTR);
	}
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		close(parts[i]);
}

/* A dump during which the table changes says so. */
TEST_F(netlink, dump_interrupted)
{
	struct answer *answer = &self->answer;
	struct nl_msg *msg = request(self->family, BULKHEAD_CMD_PART_GET, NLM_F_DUMP);
	int parts[200];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i] = part_create(self->guest.dev, "", NULL);
	nl_send_auto(self->sock, msg);
	nlmsg_free(msg);
	/* The kernel has filled the first messages; the rest follows when they are read. */
	close(parts[0]);
	ret = nl_recvmsgs_default(self->sock);
	EXPECT_EQ(-NLE_DUMP_INTR, ret);
	for (i = 1; i < ARRAY_SIZE(parts); i++)
		close(parts[i]);
	EXPECT_GE(dump(self->sock, self->family, answer), 0);
}

/* Runs @test as another user in a child; returns what it returned. */
static int as_stranger(int (*test)(__u32 id), __u32 id)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(setresgid(STRANGER, STRANGER, STRANGER) ||
		      setresuid(STRANGER, STRANGER, STRANGER) ? 99 : test(id));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stranger(__u32 id)
{
	struct answer answer = { };
	int family;
	struct nl_sock *sock = sock_open(&family, &answer);

	if (!sock)
		return 1;
	if (by_id(sock, family, BULKHEAD_CMD_PART_GET, id, &answer) != -EPERM)
		return 2;
	if (!strstr(answer.message, "another user's"))
		return 3;
	if (by_id(sock, family, BULKHEAD_CMD_PART_KILL, id, &answer) != -EPERM)
		return 4;
	if (!strstr(answer.message, "another user's"))
		return 5;
	if (dump(sock, family, &answer) < 0)
		return 6;
	return answer.count ? 7 : 0;
}

/* A stranger that may open the device sees and kills what is its own. */
static int stranger_with_device(__u32 dev)
{
	struct answer answer = { };
	int family;
	struct nl_sock *sock = sock_open(&family, &answer);
	__u32 id;
	int part = part_create(dev, "netlink-test", &id);

	if (!sock || part < 0)
		return 1;
	if (dump(sock, family, &answer) < 0 || answer.count != 1)
		return 2;
	if (nla_get_u32(answer.parts[0].attrs[BULKHEAD_A_PART_OWNER]) != STRANGER)
		return 3;
	if (by_id(sock, family, BULKHEAD_CMD_PART_KILL, id, &answer))
		return 4;
	return console_open(dev, id - 1) < 0 && errno == EPERM ? 0 : 5;
}

TEST_F(netlink, stranger)
{
	if (getuid())
		SKIP(return, "must be root to become somebody else");
	EXPECT_EQ(0, as_stranger(stranger, self->guest.id));
	EXPECT_EQ(0, as_stranger(stranger_with_device, self->guest.dev));
	EXPECT_EQ(0, by_id(self->sock, self->family, BULKHEAD_CMD_PART_GET, self->guest.id,
			   &self->answer));
	EXPECT_EQ(BULKHEAD_STATE_CREATED,
		  nla_get_u32(self->answer.parts[0].attrs[BULKHEAD_A_PART_STATE]));
}

TEST_F(netlink, events)
{
	struct answer answer = { };
	struct nl_sock *sock = events_open(&answer);
	const struct {
		int cmd;
		__u32 state;
	} want[] = {
		{ BULKHEAD_CMD_PART_CREATED, BULKHEAD_STATE_CREATED },
		{ BULKHEAD_CMD_PART_RUNNING, BULKHEAD_STATE_RUNNING },
		{ BULKHEAD_CMD_PART_STOPPED, BULKHEAD_STATE_STOPPED },
	};
	struct bulkhead_vcpu_run run;
	struct guest g;
	struct part *part;
	unsigned int i;

	ASSERT_NE(NULL, sock);
	ASSERT_TRUE(guest_create(&g, "", guest_exit_7, guest_exit_7_end));
	ASSERT_EQ(0, vcpu_run(g.vcpu, &run));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		part = next_event(sock, &answer, 5000);
		ASSERT_NE(NULL, part);
		EXPECT_EQ(want[i].cmd, part->cmd);
		EXPECT_EQ(g.id, nla_get_u32(part->attrs[BULKHEAD_A_PART_ID]));
		EXPECT_EQ(want[i].state, nla_get_u32(part->attrs[BULKHEAD_A_PART_STATE]));
	}
	EXPECT_EQ(BULKHEAD_REASON_POWEROFF, nla_get_u32(part->attrs[BULKHEAD_A_PART_REASON]));
	EXPECT_EQ(7, nla_get_u32(part->attrs[BULKHEAD_A_PART_EXIT_STATUS]));
	/* Closing it says no more. */
	guest_destroy(&g);
	EXPECT_EQ(NULL, next_event(sock, &answer, 100));

	/* One that goes without having run says why. */
	close(part_create(self->guest.dev, "", NULL));
	part = next_event(sock, &answer, 5000);
	ASSERT_NE(NULL, part);
	EXPECT_EQ(BULKHEAD_CMD_PART_CREATED, part->cmd);
	part = next_event(sock, &answer, 5000);
	ASSERT_NE(NULL, part);
	EXPECT_EQ(BULKHEAD_CMD_PART_STOPPED, part->cmd);
	EXPECT_EQ(BULKHEAD_REASON_RUNNER_EXIT, nla_get_u32(part->attrs[BULKHEAD_A_PART_REASON]));
	answer_clear(&answer);
	nl_socket_free(sock);
}

static int stranger_listens(__u32 dev)
{
	struct answer answer = { };
	struct nl_sock *sock = events_open(&answer);
	struct part *part;
	pid_t root = getppid();
	__u32 id;
	int own;

	if (!sock)
		return 1;
	/* The parent makes a partition when told, and stops. Only the child's own is seen. */
	kill(root, SIGUSR1);
	own = part_create(dev, "mine", &id);
	if (own < 0)
		return 2;
	part = next_event(sock, &answer, 5000);
	if (!part || nla_get_u32(part->attrs[BULKHEAD_A_PART_ID]) != id)
		return 3;
	return next_event(sock, &answer, 200) ? 4 : 0;
}

TEST_F(netlink, events_are_the_owners)
{
	struct answer answer = { };
	struct nl_sock *sock;
	int family, status;
	pid_t pid;

	if (getuid())
		SKIP(return, "must be root to become somebody else");
	/* root hears of both */
	sock = events_open(&answer);
	ASSERT_NE(NULL, sock);
	close(part_create(self->guest.dev, "", NULL));
	EXPECT_NE(NULL, next_event(sock, &answer, 5000));
	EXPECT_NE(NULL, next_event(sock, &answer, 5000));

	signal(SIGUSR1, SIG_IGN);
	pid = fork();
	if (!pid)
		_exit(setresuid(STRANGER, STRANGER, STRANGER) ? 99 :
		      stranger_listens(self->guest.dev));
	while (waitpid(pid, &status, WNOHANG) == 0) {
		close(part_create(self->guest.dev, "", NULL));
		usleep(10000);
	}
	EXPECT_EQ(0, status);
	family = 0;
	while (next_event(sock, &answer, 100))
		family += nla_get_u32(answer.parts[0].attrs[BULKHEAD_A_PART_OWNER]) == STRANGER;
	EXPECT_EQ(2, family);
	answer_clear(&answer);
	nl_socket_free(sock);
}

TEST_HARNESS_MAIN
