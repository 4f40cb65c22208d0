// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 in the guest: runs one command for the runner, with its streams and signals carried over
 * COM2, see channel.h. It never waits for the UART to take something: frames from the runner are
 * read at any time, so neither side can wait for the other.
 */
#include "agent.h"
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define UART		"/dev/ttyS1"

/* Room that output of the command leaves in the channel for CREDIT and FAILED. */
#define ROOM_FOR_REPLIES	64

#define STATUS_CANNOT_EXECUTE	126
#define STATUS_NOT_FOUND	127

/* Strings, one after the other, each with its zero. */
struct strings {
	char *data;
	size_t length;
};

struct agent {
	struct channel channel;
	int signals;		/* signalfd for SIGCHLD */
	int button;		/* -1 if there is none */
	struct strings args;
	struct strings env;
	struct command command;
	bool started;
	bool exited;
	bool input_ended;
	int status;		/* once it has exited */
	uint32_t credit;	/* used up, not told yet */
	size_t input_start;	/* a ring */
	size_t input_length;
	uint8_t input[CHANNEL_WINDOW];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_uart(void)
{
	struct termios mode;
	int fd = open(UART, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		die(UART ": %m");
	if (tcgetattr(fd, &mode))
		die(UART ": not a terminal: %m");
	cfmakeraw(&mode);
	mode.c_cflag |= CLOCAL | CREAD;
	/* The UART's line is no line. The speed only sets how long the driver waits for it. */
	cfsetspeed(&mode, B115200);
	if (tcsetattr(fd, TCSANOW, &mode))
		die(UART ": can't set its mode: %m");
	/* Nobody else's bytes among the frames, at least not by accident. */
	ioctl(fd, TIOCEXCL);
	return fd;
}

static void append(struct agent *agent, struct strings *strings, const struct channel_frame *frame)
{
	char *data;

	if (agent->args.length + agent->env.length + frame->length > CHANNEL_STRINGS_MAX)
		die("arguments and environment are longer than %d bytes", CHANNEL_STRINGS_MAX);
	data = realloc(strings->data, strings->length + frame->length);
	if (!data)
		die("no memory for arguments");
	memcpy(data + strings->length, frame->data, frame->length);
	strings->data = data;
	strings->length += frame->length;
}

/* Makes the vector that execve() wants. */
static char **make_vector(const struct strings *strings)
{
	size_t n = 0;
	char **vector;

	if (strings->length && strings->data[strings->length - 1])
		die("the last argument or variable has no end");
	for (size_t i = 0; i < strings->length; i++)
		n += !strings->data[i];
	vector = calloc(n + 1, sizeof(*vector));
	if (!vector)
		die("no memory for arguments");
	n = 0;
	for (size_t i = 0; i < strings->length; i += strlen(strings->data + i) + 1)
		vector[n++] = strings->data + i;
	return vector;
}

static void end_with(struct agent *agent, int status)
{
	agent->exited = true;
	agent->status = status;
	close_fd(&agent->command.in);
}

static void start(struct agent *agent)
{
	char **argv = make_vector(&agent->args);
	char **envp = make_vector(&agent->env);
	int error;

	if (!argv[0])
		die("malformed frame: START before ARG");
	error = command_start(&agent->command, argv, envp);
	agent->started = true;
	free(argv);
	free(envp);
	if (!error)
		return;
	channel_put_number(&agent->channel, CHANNEL_FAILED, -error);
	end_with(agent, error == -ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE);
}

static void take_input(struct agent *agent, const struct channel_frame *frame)
{
	size_t end = (agent->input_start + agent->input_length) % sizeof(agent->input);
	size_t first = sizeof(agent->input) - end;

	if (agent->command.in < 0) {
		agent->credit += frame->length;
		return;
	}
	if (frame->length > sizeof(agent->input) - agent->input_length)
		die("malformed frame: STDIN beyond the window");
	if (first > frame->length)
		first = frame->length;
	memcpy(agent->input + end, frame->data, first);
	memcpy(agent->input, frame->data + first, frame->length - first);
	agent->input_length += frame->length;
}

/* Hands input to the command as far as its pipe takes it. */
static void give_input(struct agent *agent)
{
	while (agent->command.in >= 0 && agent->input_length) {
		size_t n = sizeof(agent->input) - agent->input_start;
		ssize_t written;

		if (n > agent->input_length)
			n = agent->input_length;
		written = write(agent->command.in, agent->input + agent->input_start, n);
		if (written < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			/* Nobody reads: what comes from here on is dropped. */
			close_fd(&agent->command.in);
			break;
		}
		agent->input_start = (agent->input_start + written) % sizeof(agent->input);
		agent->input_length -= written;
		agent->credit += written;
	}
	if (agent->command.in < 0) {
		agent->credit += agent->input_length;
		agent->input_length = 0;
	} else if (agent->input_ended) {
		close_fd(&agent->command.in);
	}
}

static void take_signal(struct agent *agent, uint32_t number)
{
	if (number < 1 || number > 64)
		die("malformed frame: signal %u", number);
	if (!agent->exited)
		kill(agent->command.pid, number);
}

/* Whoever presses the button wants what a container is stopped with. */
static void take_button(struct agent *agent)
{
	if (!button_pressed(agent->button))
		return;
	if (!agent->started)
		power_off(128 + SIGTERM);
	take_signal(agent, SIGTERM);
}

static void take_frame(struct agent *agent, const struct channel_frame *frame)
{
	agent->credit += sizeof(struct channel_header);
	if (frame->type != CHANNEL_STDIN)
		agent->credit += frame->length;

	if (frame->type == CHANNEL_ARG && !agent->started)
		append(agent, &agent->args, frame);
	else if (frame->type == CHANNEL_ENV && !agent->started)
		append(agent, &agent->env, frame);
	else if (frame->type == CHANNEL_START && !agent->started)
		start(agent);
	else if (frame->type == CHANNEL_STDIN && agent->started && !agent->input_ended)
		take_input(agent, frame);
	else if (frame->type == CHANNEL_STDIN_EOF && agent->started && !agent->input_ended)
		agent->input_ended = true;
	else if (frame->type == CHANNEL_SIGNAL && agent->started)
		take_signal(agent, frame->number);
	else
		die("frame of type %d out of turn", frame->type);
}

static void take_frames(struct agent *agent)
{
	struct channel_frame frame;
	int n = channel_fill(&agent->channel);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0)
		die(UART ": %s", n ? strerror(-n) : "hung up");
	while ((n = channel_next(&agent->channel, &frame)) > 0)
		take_frame(agent, &frame);
	if (n < 0)
		die("malformed frame");
}

/* Every orphan of the guest is a child of the agent. */
static void reap(struct agent *agent)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	/* Signals of one kind merge: one may stand for many children. */
	while (read(agent->signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!agent->started || agent->exited || pid != agent->command.pid)
			continue;
		end_with(agent, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		/* As when PID 1 of a container ends. So nobody adds to its output any more. */
		kill(-1, SIGKILL);
	}
}

/* Passes on what is in one of the command's pipes; once it has exited, that is all there is. */
static void take_output(struct agent *agent, int *fd, enum channel_type type)
{
	uint8_t data[CHANNEL_DATA_MAX];

	while (*fd >= 0 && channel_has_room(&agent->channel, sizeof(data) + ROOM_FOR_REPLIES)) {
		ssize_t n = read(*fd, data, sizeof(data));

		if (n > 0)
			channel_put(&agent->channel, type, data, n);
		else if (n == 0 || agent->exited || (errno != EAGAIN && errno != EINTR))
			close_fd(fd);
		else
			break;
	}
}

static void send_output(struct agent *agent)
{
	int error;

	if (agent->credit >= CHANNEL_WINDOW / 4 &&
	    channel_has_room(&agent->channel, sizeof(agent->credit))) {
		channel_put_number(&agent->channel, CHANNEL_CREDIT, agent->credit);
		agent->credit = 0;
	}
	error = channel_flush(&agent->channel);
	if (error)
		die(UART ": %s", strerror(-error));
}

static void wait_for_something(struct agent *agent)
{
	bool room = channel_has_room(&agent->channel, CHANNEL_DATA_MAX + ROOM_FOR_REPLIES);
	struct pollfd fds[] = {
		{ .fd = agent->channel.fd, .events = POLLIN },
		{ .fd = agent->signals, .events = POLLIN },
		{ .fd = agent->button, .events = POLLIN },
		/* With no events, still woken when the command closes its end. */
		{ .fd = agent->command.in, .events = agent->input_length ? POLLOUT : 0 },
		{ .fd = room ? agent->command.out : -1, .events = POLLIN },
		{ .fd = room ? agent->command.err : -1, .events = POLLIN },
	};

	if (channel_has_output(&agent->channel))
		fds[0].events |= POLLOUT;
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
		die("poll: %m");
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		take_frames(agent);
	if (fds[1].revents)
		reap(agent);
	if (fds[2].revents & POLLIN)
		take_button(agent);
	else if (fds[2].revents)
		close_fd(&agent->button);
	if (fds[3].revents & POLLERR)
		close_fd(&agent->command.in);
}

int main(void)
{
	static struct agent agent = { .command = { .in = -1, .out = -1, .err = -1 } };
	sigset_t child;

	if (getpid() != 1) {
		say("runs as the first process of a guest only");
		return 1;
	}
	root_setup();

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	agent.signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (agent.signals < 0)
		die("signalfd: %m");
	agent.button = button_open();
	channel_init(&agent.channel, open_uart());
	channel_put_number(&agent.channel, CHANNEL_HELLO, CHANNEL_VERSION);

	for (;;) {
		take_output(&agent, &agent.command.out, CHANNEL_STDOUT);
		take_output(&agent, &agent.command.err, CHANNEL_STDERR);
		give_input(&agent);
		send_output(&agent);
		if (agent.exited && agent.command.out < 0 && agent.command.err < 0 &&
		    !channel_has_output(&agent.channel))
			break;
		wait_for_something(&agent);
	}
	/* What the tty layer still holds must reach the UART before the machine stops. */
	tcdrain(agent.channel.fd);
	power_off(agent.status);
}
