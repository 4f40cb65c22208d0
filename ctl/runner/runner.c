// SPDX-License-Identifier: GPL-2.0-only
#include "runner/runner.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "base/thread.h"
#include "base/timeout.h"
#include "oci/hooks.h"
#include "oci/limits.h"
#include "runner/cgroup.h"
#include "runner/cleaner.h"
#include "runner/directory.h"
#include "runner/place.h"
#include "runner/private.h"
#include "runner/view.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often the agent is asked for a sign of life in the time that it has for one. */
#define TICKS		4

/* Commands that run when the container ends have this long to take what it has said. */
#define EXITED_MS	10000

/* And the agent has this long to end. */
#define DELETED_MS	10000

static bool is_before_start(const struct runner *runner)
{
	return runner->state < RUNNER_RUNNING;
}

/* The front is told, too, when a container begins that another has started. */
static void reply_start(struct runner *runner, enum reply_code code, const char *text)
{
	if (runner->starter)
		clients_reply(runner->starter, FRAME_START, PROCESS_INIT(0), code, text);
	if (runner->front)
		clients_reply(runner->front, FRAME_START, PROCESS_INIT(0), code, text);
	runner->starter = NULL;
}

/*
 * It is over, other than by the container's own end. Who has started it reads of it in the reply,
 * or, if it had started, on standard error.
 */
static void give_up(struct runner *runner, unsigned int status, enum reply_code code)
{
	/* A reply says that it failed, or that there is no such command: no other status. */
	bool replies = is_before_start(runner) &&
		       (code != REPLY_FAILED || status == STATUS_RUN_FAILURE ||
			runner->container->detached);

	if (runner->state == RUNNER_FAILED)
		return;
	if (!replies)
		error_print();
	if (replies)
		reply_start(runner, code, error_text());
	runner->exited = (struct frame_exited){ .status = status };
	if (runner->front && !replies)
		clients_put(runner->front, FRAME_EXITED, PROCESS_INIT(0), &runner->exited,
			    sizeof(runner->exited), NULL, 0);
	if (runner->front)
		runner->front->held = false;
	runner->state = RUNNER_FAILED;
}

static int run_hooks(const struct runner *runner, const char *which, const char *status)
{
	const struct container *container = runner->container;
	json_t *state;
	int result;

	/* Without a partition, they are crun's to run. */
	if (!container->partition)
		return 0;
	state = hooks_state(container->name, container->bundle, status, getpid());
	result = state ? hooks_run(container->config, which, state) : -1;
	json_decref(state);
	return result;
}

static uint64_t tick_ms(const struct runner *runner)
{
	const struct container *container = runner->container;

	return (runner->agent.greeted ? container->agent_timeout : container->start_timeout) *
	       1000 / TICKS;
}

static void set_next_tick(struct runner *runner)
{
	runner->next_tick = timeout_clock() + tick_ms(runner);
}

static int put_container(struct runner *runner)
{
	const struct container *container = runner->container;
	struct frame_stdio stdio = { .size = container->size };
	json_t *terminal = json_object_get(json_object_get(container->config, "process"),
					   "terminal");
	char *text cleanup_free = json_dumps(runner->agent_config, JSON_COMPACT);

	if (!text)
		return fail("no memory for the container's configuration");
	stdio.flags = json_is_true(terminal) ? STDIO_TERMINAL : 0;
	if (runner->notify)
		stdio.flags |= STDIO_NOTIFY;
	stdio.tickets[STREAM_IN] = container->interactive;
	stdio.tickets[STREAM_OUT] = 1;
	stdio.tickets[STREAM_ERR] = !json_is_true(terminal);
	runner->init = processes_add(runner, PROCESS_INIT(0),
				     container->logged ? NULL : runner->front, &stdio);
	if (!runner->init)
		return -1;
	return requests_put(runner, FRAME_CREATE, PROCESS_INIT(0), NULL, 0, &runner->init->stdio,
			    sizeof(runner->init->stdio), text, strlen(text));
}

/* The agent is there: it gets the network, if one is given, and then the container. */
static void greeted(void *data)
{
	struct runner *runner = data;
	int result;

	runner->state = RUNNER_CREATING;
	/* From here on, its own time counts, and not that which the guest had to boot. */
	runner->missed = 0;
	set_next_tick(runner);
	result = runner->takeover.socket ? nics_put(runner) : put_container(runner);
	if (result)
		give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
}

static int created(struct runner *runner)
{
	runner->state = RUNNER_CREATED;
	if (run_hooks(runner, "prestart", "created") ||
	    run_hooks(runner, "createRuntime", "created"))
		return -1;
	if (runner->container->stepwise) {
		sem_post(&runner->created);
		sem_wait(&runner->viewed);
		if (runner->view_error[0])
			return fail("%s", runner->view_error);
		if (runner->front)
			clients_reply(runner->front, FRAME_CREATE, PROCESS_INIT(0), REPLY_DONE, "");
		return 0;
	}
	return requests_put(runner, FRAME_START, PROCESS_INIT(0), NULL, 0, NULL, 0, NULL, 0);
}

static int started(struct runner *runner)
{
	if (runner->state == RUNNER_CREATED)
		runner->state = RUNNER_RUNNING;
	reply_start(runner, REPLY_DONE, "");
	return run_hooks(runner, "poststart", "running");
}

int runner_replied(struct runner *runner, enum frame_type request, enum reply_code code,
		   const char *text)
{
	if (request == FRAME_PING) {
		runner->pinged = false;
		runner->missed = 0;
		return 0;
	}
	if (code != REPLY_DONE) {
		fail("%s", text);
		give_up(runner, STATUS_RUN_FAILURE, code);
		return 0;
	}
	if (request == FRAME_NETWORK)
		return put_container(runner);
	if (request == FRAME_CREATE)
		return created(runner);
	if (request == FRAME_START)
		return started(runner);
	return 0;
}

static int take_exited(struct runner *runner, const struct frame *frame)
{
	struct frame_exited exited;

	memcpy(&exited, frame->data, sizeof(exited));
	exited.status &= 0xff;
	if (frame->id == PROCESS_INIT(0) && runner->init) {
		runner->exited = exited;
		runner->exited_at = timeout_clock();
		/* One that ends at once does so before the agent says that it has started. */
		if (runner->starter)
			reply_start(runner, REPLY_DONE, "");
		runner->state = RUNNER_EXITED;
	} else if (!WITHIN(frame->id)) {
		members_exited(runner, frame->id);
	}
	return processes_take_exit(runner, frame->id, &exited);
}

static int take_frame(void *data, const struct frame *frame)
{
	struct runner *runner = data;

	switch (frame->type) {
	case FRAME_REPLY:
		return requests_take_reply(runner, frame);
	case FRAME_EXITED:
		return take_exited(runner, frame);
	case FRAME_READY:
		/* Once: a guest may say it as often as it likes. */
		if (runner->notify)
			place_notify(runner);
		runner->notify = NULL;
		return 0;
	default:
		return fail("the agent broke its protocol (frame out of turn)");
	}
}

static void take_stream(void *data, uint64_t ticket, int fd)
{
	processes_take_stream(data, ticket, fd);
}

static const struct agent_ops agent_ops = {
	.greeted = greeted,
	.frame = take_frame,
	.stream = take_stream,
};

/* The output of a container that is logged. */
static void take_output(struct process *init, enum stream stream, struct runner *runner)
{
	char text[4096];
	ssize_t n = read(init->fds[stream], text, sizeof(text));

	if (n > 0) {
		clients_log(runner, text, n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(init->fds[stream]);
		init->fds[stream] = -1;
	}
}

/* Whether all that the container has said has arrived where it is to. */
static bool is_drained(const struct runner *runner)
{
	const struct process *init = runner->init;

	/* What isn't read yet when the partition ends is lost. */
	for (const struct client *client = runner->clients; client; client = client->next)
		if (!client->member && (client->has_streams || client->process))
			return false;
	return !runner->container->logged || !init ||
	       (!init->stdio.tickets[STREAM_OUT] && !init->stdio.tickets[STREAM_ERR] &&
		init->fds[STREAM_OUT] < 0 && init->fds[STREAM_ERR] < 0);
}

/* The time that passes is what ends some states. */
static void look_at_clock(struct runner *runner)
{
	uint64_t waited = timeout_clock() - runner->exited_at;
	bool patient = runner->front && !runner->container->logged;

	if (runner->state == RUNNER_EXITED &&
	    (is_drained(runner) || (!patient && waited > EXITED_MS))) {
		if (agent_put(&runner->agent, FRAME_DELETE, PROCESS_INIT(0), NULL, 0, NULL, 0))
			warn("%s", error_text());
		runner->state = RUNNER_DELETED;
		runner->exited_at = timeout_clock();
	} else if (runner->state == RUNNER_DELETED && waited > DELETED_MS) {
		warn("the agent doesn't end, and is ended");
		runner->state = RUNNER_FAILED;
	}
}

static bool is_forgotten(const struct runner *runner)
{
	const struct container *container = runner->container;

	return container->stepwise && runner->state == RUNNER_CREATED && !runner->starter &&
	       access(container->bundle, F_OK) && errno == ENOENT;
}

/* A while has passed, a part of the time that the agent has for an answer. */
static void tick(struct runner *runner)
{
	const struct container *container = runner->container;

	if (runner->state >= RUNNER_DELETED)
		return;
	if (is_forgotten(runner)) {
		runner->forgotten = true;
		fail("%s: gone, and with it the container, before that was started",
		     container->bundle);
		give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
		return;
	}
	if (++runner->missed > TICKS) {
		if (runner->agent.greeted)
			fail("the agent hasn't answered for %u seconds", container->agent_timeout);
		else
			fail("%s within %u seconds", container->partition ?
			     "the guest hasn't booted" : "the agent hasn't started",
			     container->start_timeout);
		place_explain(runner);
		give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
	} else if (runner->agent.greeted && !runner->pinged) {
		runner->pinged = true;
		if (requests_put(runner, FRAME_PING, requests_id(runner), NULL, 0, NULL, 0, NULL,
				 0))
			give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
	}
}

/* The agent is gone, as it is to be, or with the reason for that on its way. */
static void lost_agent(struct runner *runner)
{
	if (runner->state == RUNNER_DELETED) {
		runner->state = RUNNER_FAILED;
		return;
	}
	if (place_is_ending(runner))
		return;
	give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
}

/* The place that the container was in is no more. */
static void lost_place(struct runner *runner)
{
	int status = place_conclude(runner);

	if (runner->state == RUNNER_DELETED || runner->state == RUNNER_FAILED)
		runner->state = RUNNER_FAILED;
	else
		give_up(runner, status, REPLY_FAILED);
}

static void wait_for_something(struct runner *runner, uint64_t timeout)
{
	enum { PLACE, NETWORK, OUT, ERR, AGENT };
	size_t max = AGENT + AGENT_POLL_MAX + clients_poll_max(runner);
	struct pollfd *fds = calloc(max, sizeof(*fds));
	struct process *init = runner->init;
	bool logs = init && runner->container->logged;
	unsigned int first, n;

	if (!fds) {
		fail_errno("poll");
		give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
		return;
	}
	fds[PLACE] = (struct pollfd){ .fd = place_ended(runner), .events = POLLIN };
	fds[NETWORK] = (struct pollfd){ .fd = takeover_news(&runner->takeover), .events = POLLIN };
	fds[OUT] = (struct pollfd){ .fd = logs ? init->fds[STREAM_OUT] : -1, .events = POLLIN };
	fds[ERR] = (struct pollfd){ .fd = logs ? init->fds[STREAM_ERR] : -1, .events = POLLIN };
	first = AGENT + agent_poll(&runner->agent, &fds[AGENT]);
	n = first + clients_poll(runner, &fds[first]);
	if (poll(fds, n, timeout) < 0) {
		if (errno != EINTR) {
			fail_errno("poll");
			give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
		}
		free(fds);
		return;
	}
	clients_polled(runner, &fds[first]);
	if (fds[OUT].revents)
		take_output(init, STREAM_OUT, runner);
	if (fds[ERR].revents)
		take_output(init, STREAM_ERR, runner);
	if (agent_polled(&runner->agent, &fds[AGENT], &agent_ops, runner))
		lost_agent(runner);
	if (fds[NETWORK].revents)
		nics_look(runner);
	if (fds[PLACE].revents)
		lost_place(runner);
	free(fds);
}

/* Whether its end is the container's. Of one that isn't started yet, nobody may know. */
static bool is_the_fronts(const struct runner *runner)
{
	const struct container *container = runner->container;

	if (container->stepwise)
		return runner->state < RUNNER_RUNNING;
	return !container->detached && runner->state < RUNNER_EXITED;
}

static void run(struct runner *runner)
{
	set_next_tick(runner);
	while (runner->state != RUNNER_FAILED) {
		uint64_t now = timeout_clock();
		uint64_t timeout = runner->next_tick > now ? runner->next_tick - now : 0;

		/* What ends with time is looked at once a second. */
		if (runner->state >= RUNNER_EXITED && timeout > 1000)
			timeout = 1000;
		wait_for_something(runner, timeout);
		clients_flush(runner);
		/* Nobody is there any more for whom it was run. */
		if (!runner->front && is_the_fronts(runner))
			break;
		if (timeout_clock() >= runner->next_tick) {
			tick(runner);
			set_next_tick(runner);
		}
		look_at_clock(runner);
		clients_flush(runner);
	}
}

/* Each command in the container takes some descriptors, and many may come at once. */
static void raise_files(struct runner *runner)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &runner->old_files);
	files = runner->old_files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int listen_for_commands(struct runner *runner)
{
	runner->control = clients_listen(runner->container->name);
	return runner->control < 0 ? -1 : 0;
}

static int prepare(struct runner *runner, int front)
{
	const struct container *container = runner->container;
	int lock;

	runner->front = clients_add(runner, front);
	lock = runner->front ? directory_create(container->name) : -1;
	if (lock < 0)
		return -1;
	/* What a network has of the container outlives all processes. */
	if ((container->network >= 0 && cleaner_start(container, lock)) ||
	    listen_for_commands(runner) || place_enter(runner)) {
		/* Before other errors take the place of this one. */
		give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
		place_leave(runner);
		directory_remove(container->name);
		cleaner_end();
		return -1;
	}
	return 0;
}

static noreturn void work(struct runner *runner, int front)
{
	const struct container *container = runner->container;

	if (prepare(runner, front)) {
		give_up(runner, STATUS_RUN_FAILURE, REPLY_FAILED);
		clients_flush(runner);
		exit(STATUS_RUN_FAILURE);
	}
	run(runner);
	members_end(runner);
	place_leave(runner);
	if (!container->stepwise && run_hooks(runner, "poststop", "stopped"))
		warn("%s", error_text());
	directory_remove(container->name);
	cleaner_end();
	if (runner->forgotten && container->forget)
		container->forget(container->name);
	clients_tell_exited(runner);
	clients_flush(runner);
	exit(runner->exited.status);
}

struct start {
	struct runner *runner;
	int front;
};

static void *work_aside(void *data)
{
	const struct start *start = data;

	work(start->runner, start->front);
}

/* Who has this process' number takes it for the container's: its main thread sees what that has. */
static noreturn void stand_in(struct runner *runner)
{
	while (sem_wait(&runner->created))
		;
	if (view_enter(runner->container->config))
		snprintf(runner->view_error, sizeof(runner->view_error), "%s", error_text());
	sem_post(&runner->viewed);
	for (;;)
		pause();
}

static noreturn void runner_main(const struct container *container, int front)
{
	/* The threads have them until the process ends. */
	static struct runner runner = { .next_process = PROCESS_INIT(0) + 1, .next_tree = 1 };
	static struct start start = { .runner = &runner };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pthread_t thread;

	start.front = front;
	runner.container = container;
	agent_init(&runner.agent, -1);
	raise_files(&runner);
	setsid();
	signal(SIGPIPE, SIG_IGN);
	/* Who waits for the end of what the command prints doesn't wait for the container. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (container->detached)
		dup2(null, STDERR_FILENO);

	sem_init(&runner.created, 0, 0);
	sem_init(&runner.viewed, 0, 0);
	if (!container->stepwise)
		work(&runner, front);
	if (thread_start(&thread, work_aside, &start, "the runner's thread"))
		exit(STATUS_RUN_FAILURE);
	stand_in(&runner);
}

pid_t runner_start(const struct container *container, int *front)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return fail_errno("can't start the runner");
	pid = fork();
	if (pid < 0)
		return fail_errno("can't start the runner");
	if (!pid) {
		close(ends[0]);
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
		runner_main(container, ends[1]);
	}
	close(ends[1]);
	*front = ends[0];
	return pid;
}
