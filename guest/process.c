// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processes of the container. crun makes them, and ends; as they are orphans then, they become
 * children of the agent, which is PID 1 or a subreaper, and so learns how they end.
 */
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void process_init(const struct process_ops *ops)
{
	containers.ops = ops;
	if (!getcwd(containers.dir, sizeof(containers.dir)))
		die("the working directory: %m");
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct process *find(uint32_t id)
{
	struct container *container = container_find(id);
	struct process *process = container ? container->processes : NULL;

	while (process && process->id != id)
		process = process->next;
	return process;
}

void process_file_name(char name[NAME_ROOM], const char *what, const struct process *process)
{
	snprintf(name, NAME_ROOM, "%s/%s.%u", containers.dir, what, process->id);
}

void process_remove_files(const struct process *process)
{
	static const char *const files[] = { "process", "pid", "console" };
	char name[NAME_ROOM];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		process_file_name(name, files[i], process);
		unlink(name);
	}
}

void process_free(struct process *process)
{
	struct container *container = process->container;
	struct process **at = &container->processes;

	while (*at && *at != process)
		at = &(*at)->next;
	if (*at) {
		*at = process->next;
		container->n--;
	}
	if (container->init == process)
		container->init = NULL;
	process_remove_files(process);
	close_fd(&process->terminal);
	close_fd(&process->console);
	for (int i = 0; i < N_STREAMS; i++) {
		close_fd(&process->sockets[i]);
		pump_free(process->pumps[i]);
	}
	free(process);
}

static enum reply_code failed(char text[TEXT_MAX], const char *what, int error)
{
	snprintf(text, TEXT_MAX, "%s: %s", what, strerror(error));
	return REPLY_FAILED;
}

static int write_file(const char *name, const void *data, size_t length)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = 0;

	if (fd < 0)
		return errno;
	while (length && !error) {
		ssize_t n = write(fd, data, length);

		if (n < 0) {
			error = errno;
		} else {
			data = (const char *)data + n;
			length -= n;
		}
	}
	close(fd);
	return error;
}

/* A connection that says by its first bytes which stream it carries. */
static int connect_stream(const struct place *place, uint64_t ticket)
{
	int fd = place->connect();
	ssize_t n;

	if (fd < 0)
		return fd;
	n = send(fd, &ticket, sizeof(ticket), MSG_NOSIGNAL);
	if (n == sizeof(ticket))
		return fd;
	close(fd);
	return n < 0 ? -errno : -EIO;
}

static int connect_streams(const struct place *place, const struct frame_stdio *stdio,
			   struct process *process)
{
	for (int i = 0; i < N_STREAMS; i++) {
		if (!stdio->tickets[i])
			continue;
		process->sockets[i] = connect_stream(place, stdio->tickets[i]);
		if (process->sockets[i] < 0)
			return -process->sockets[i];
	}
	return 0;
}

/* Where crun connects to when it has made the terminal. */
static int listen_console(struct process *process)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[NAME_ROOM];

	process_file_name(name, "console", process);
	strncpy(addr.sun_path, name, sizeof(addr.sun_path) - 1);
	unlink(addr.sun_path);
	process->console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (process->console < 0 ||
	    bind(process->console, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(process->console, 1))
		return errno;
	return 0;
}

/* A pipe for a stream: a socket as /dev/stdout can't be opened by its name. */
static int make_pipe(struct process *process, enum stream stream, int *theirs)
{
	int socket = process->sockets[stream];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	process->sockets[stream] = -1;
	*theirs = ends[stream != STREAM_IN];
	process->pumps[stream] = stream == STREAM_IN ? pump_create(socket, ends[1]) :
						       pump_create(ends[0], socket);
	return process->pumps[stream] ? 0 : ENOMEM;
}

static int make_pipes(struct process *process, int theirs[N_STREAMS])
{
	for (int i = 0; i < N_STREAMS; i++) {
		int error = process->sockets[i] < 0 ? 0 : make_pipe(process, i, &theirs[i]);

		if (error)
			return error;
	}
	return 0;
}

static int start_crun(struct process *process, bool terminal, const char *cgroup,
		      const int stdio[N_STREAMS])
{
	char spec[NAME_ROOM], pid_file[NAME_ROOM], console[NAME_ROOM], bundle[NAME_ROOM];
	const char *args[14];
	int n = 0;

	process_file_name(spec, "process", process);
	process_file_name(pid_file, "pid", process);
	process_file_name(console, "console", process);
	container_bundle(process->container, bundle);
	if (process->request == FRAME_CREATE) {
		args[n++] = "create";
		args[n++] = "--bundle";
		args[n++] = bundle;
	} else {
		args[n++] = "exec";
		args[n++] = "--detach";
		args[n++] = "--process";
		args[n++] = spec;
		if (*cgroup) {
			args[n++] = "--cgroup";
			args[n++] = cgroup;
		}
	}
	args[n++] = "--pid-file";
	args[n++] = pid_file;
	if (terminal) {
		args[n++] = "--console-socket";
		args[n++] = console;
	}
	args[n++] = process->container->name;
	args[n] = NULL;
	return -crun_start(&process->crun, args, stdio);
}

static struct process *process_new(struct container *container, const struct frame *frame,
				   const struct frame_stdio *stdio)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->container = container;
	process->id = frame->id;
	process->request = frame->type;
	process->size = stdio->size;
	process->terminal = -1;
	process->console = -1;
	for (int i = 0; i < N_STREAMS; i++)
		process->sockets[i] = -1;
	process->next = container->processes;
	container->processes = process;
	container->n++;
	return process;
}

/* What crun reads: the bundle's config, or the process. */
static int write_spec(const struct process *process, const void *data, size_t length)
{
	char name[NAME_ROOM];

	if (process->request != FRAME_CREATE) {
		process_file_name(name, "process", process);
		return write_file(name, data, length);
	}
	container_bundle(process->container, name);
	if (mkdir(name, 0700) && errno != EEXIST)
		return errno;
	strcat(name, "/config.json");
	return write_file(name, data, length);
}

/* What comes before the process, which begins with a brace. Returns its length. */
static size_t read_cgroup(const struct frame *frame, char cgroup[CGROUP_MAX])
{
	const char *text = (const char *)frame->data + sizeof(struct frame_stdio);
	size_t room = frame->length - sizeof(struct frame_stdio);
	size_t length = 0;

	if (frame->type == FRAME_EXEC && text[0] == '/')
		while (length < room && length < CGROUP_MAX - 1 && text[length] != '{')
			length++;
	memcpy(cgroup, text, length);
	cgroup[length] = 0;
	return length;
}

enum reply_code process_create(const struct place *place, const struct frame *frame,
			       char text[TEXT_MAX])
{
	struct container *container = container_find(frame->id);
	int theirs[N_STREAMS] = { -1, -1, -1 };
	char cgroup[CGROUP_MAX];
	size_t skip = read_cgroup(frame, cgroup);
	struct frame_stdio stdio;
	struct process *process;
	bool terminal;
	int error;

	memcpy(&stdio, frame->data, sizeof(stdio));
	terminal = stdio.flags & STDIO_TERMINAL;
	if (container->n == PROCESSES_MAX) {
		snprintf(text, TEXT_MAX, "%d processes are there already, as many as can be",
			 PROCESSES_MAX);
		return REPLY_FAILED;
	}
	process = process_new(container, frame, &stdio);
	if (!process)
		return failed(text, "can't make a process", ENOMEM);
	error = write_spec(process, (const char *)frame->data + sizeof(stdio) + skip,
			   frame->length - sizeof(stdio) - skip);
	if (!error)
		error = connect_streams(place, &stdio, process);
	if (!error)
		error = terminal ? listen_console(process) : make_pipes(process, theirs);
	if (!error)
		error = start_crun(process, terminal, cgroup, theirs);
	for (int i = 0; i < N_STREAMS; i++)
		close_fd(&theirs[i]);
	if (error) {
		process_free(process);
		return failed(text, "can't make a process", error);
	}
	if (frame->type == FRAME_CREATE)
		container->init = process;
	containers.creating++;
	return REPLY_DONE;
}

void process_take_terminal(struct process *process)
{
	char control[CMSG_SPACE(sizeof(int))];
	char name[256];
	struct iovec iov = { .iov_base = name, .iov_len = sizeof(name) };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = accept4(process->console, NULL, NULL, SOCK_CLOEXEC);
	struct cmsghdr *cmsg;

	if (fd < 0)
		return;
	cmsg = recvmsg(fd, &header, MSG_CMSG_CLOEXEC) > 0 ? CMSG_FIRSTHDR(&header) : NULL;
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS && cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&process->terminal, CMSG_DATA(cmsg), sizeof(int));
	close(fd);
	close_fd(&process->console);
	if (process->terminal < 0)
		return;
	process_resize(process->id, &process->size);
	for (int i = STREAM_IN; i <= STREAM_OUT; i++) {
		int terminal, socket = process->sockets[i];

		if (socket < 0)
			continue;
		process->sockets[i] = -1;
		terminal = fcntl(process->terminal, F_DUPFD_CLOEXEC, 0);
		if (terminal < 0)
			close(socket);
		else
			process->pumps[i] = i == STREAM_IN ? pump_create(socket, terminal) :
							     pump_create(terminal, socket);
	}
}

/* Who reads a terminal has gone: its processes are told, as of any that is hung up. */
static void hang_up(struct process *process)
{
	close_fd(&process->terminal);
	for (int i = 0; i < N_STREAMS; i++) {
		pump_free(process->pumps[i]);
		process->pumps[i] = NULL;
	}
}

static bool is_idle(const struct process *process)
{
	for (int i = 0; i < N_STREAMS; i++)
		if (process->pumps[i])
			return false;
	return process->exited && process->console < 0;
}

void process_move(struct process *process)
{
	for (int i = 0; i < N_STREAMS; i++) {
		struct pump *pump = process->pumps[i];

		if (!pump)
			continue;
		if (process->exited && i == STREAM_IN)
			pump_close_input(pump);
		if (pump_move(pump, process->exited && i != STREAM_IN))
			continue;
		pump_free(pump);
		process->pumps[i] = NULL;
		if (i == STREAM_OUT && process->terminal >= 0)
			hang_up(process);
	}
	if (is_idle(process))
		process_free(process);
}

enum reply_code process_signal(uint32_t id, const struct frame_signal *wanted)
{
	const struct container *container = container_find(id);
	struct process *process = find(id);

	if (wanted->flags & SIGNAL_ALL && container && container->cgroup)
		return cgroup_signal(container->cgroup, wanted->number) ?
		       REPLY_FAILED : REPLY_DONE;
	if (!process || !process->pid)
		return REPLY_GONE;
	/* Not waited for yet, so the number is nobody else's. */
	return kill(process->pid, wanted->number) ? REPLY_FAILED : REPLY_DONE;
}

enum reply_code process_resize(uint32_t id, const struct frame_size *size)
{
	const struct winsize window = { .ws_row = size->rows, .ws_col = size->columns };
	struct process *process = find(id);

	if (!process || process->exited)
		return REPLY_GONE;
	process->size = *size;
	if (process->terminal >= 0 && size->rows && size->columns)
		ioctl(process->terminal, TIOCSWINSZ, &window);
	return REPLY_DONE;
}

static int write_resources(const struct container *container, const struct frame *frame,
			   char name[NAME_ROOM])
{
	container_bundle(container, name);
	strcat(name, "/resources");
	return write_file(name, frame->data, frame->length);
}

enum reply_code process_run_crun(const struct frame *frame, char text[TEXT_MAX])
{
	static const int nowhere[N_STREAMS] = { -1, -1, -1 };
	struct container *container = container_find(frame->id);
	struct process *control = &container->control;
	char resources[NAME_ROOM];
	const char *args[5] = { NULL };
	int n = 0;
	int error = 0;

	if (control->request) {
		snprintf(text, TEXT_MAX, "another request is under way");
		return REPLY_FAILED;
	}
	switch (frame->type) {
	case FRAME_START:
		args[n++] = "start";
		break;
	case FRAME_PAUSE:
		args[n++] = "pause";
		break;
	case FRAME_RESUME:
		args[n++] = "resume";
		break;
	case FRAME_UPDATE:
		args[n++] = "update";
		args[n++] = "--resources";
		args[n++] = resources;
		error = -write_resources(container, frame, resources);
		break;
	default:
		args[n++] = "delete";
		args[n++] = "--force";
	}
	args[n] = container->name;
	if (!error)
		error = crun_start(&control->crun, args, nowhere);
	if (error)
		return failed(text, "can't run crun", -error);
	control->request = frame->type;
	control->id = frame->id;
	return REPLY_DONE;
}

#define POLL_EACH	(1 + 2 * N_STREAMS)

size_t process_poll_max(void)
{
	size_t n = 0;

	for (const struct container *container = containers.list; container;
	     container = container->next)
		n += container->n;
	return n * POLL_EACH;
}

static size_t poll_one(const struct process *process, struct pollfd *fds)
{
	static const struct pollfd nothing[2] = { { .fd = -1 }, { .fd = -1 } };
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = process->console, .events = POLLIN };
	for (int i = 0; i < N_STREAMS; i++, n += 2) {
		if (process->pumps[i])
			pump_poll(process->pumps[i], &fds[n]);
		else
			memcpy(&fds[n], nothing, sizeof(nothing));
	}
	return n;
}

size_t process_poll(struct pollfd *fds)
{
	size_t n = 0;

	for (const struct container *container = containers.list; container;
	     container = container->next)
		for (const struct process *process = container->processes; process;
		     process = process->next)
			n += poll_one(process, &fds[n]);
	return n;
}

static void polled(struct process *process, const struct pollfd *fds)
{
	bool moves = false;

	if (fds[0].revents)
		process_take_terminal(process);
	for (int i = 0; i < N_STREAMS; i++) {
		const struct pollfd *pair = &fds[1 + 2 * i];

		if (!pair[0].revents && !pair[1].revents)
			continue;
		pump_polled(process->pumps[i], pair);
		moves = true;
	}
	if (moves)
		process_move(process);
}

void process_polled(const struct pollfd *fds)
{
	struct process *next;

	/* Since process_poll() none was added or removed; polled() removes none but its own. */
	for (struct container *container = containers.list; container;
	     container = container->next) {
		for (struct process *process = container->processes; process; process = next) {
			next = process->next;
			polled(process, fds);
			fds += POLL_EACH;
		}
	}
}
