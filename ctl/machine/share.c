// SPDX-License-Identifier: GPL-2.0-only
#include "machine/share.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Virtio 1.2, section 5.11: a queue that is served first, and one for requests, which is all that
 * virtiofsd has. A request of 1 MiB has a descriptor for each page, and some for its headers.
 */
#define QUEUES		2
#define QUEUE_MAX	512

/* Where the server finds the socket of which it accepts a connection. */
#define SERVER_SOCKET	3

/* Where the server sees what it serves, in a mount namespace of its own. */
#define TREE		"/run/bulkhead"

/* That in C, which came with QEMU, and that in Rust, each with arguments of its own. */
static const struct server {
	const char *path;
	const char *args[16];
} servers[] = {
	{ "/usr/libexec/virtiofsd", {
		"virtiofsd", "--fd=3", "--shared-dir=" TREE, "--announce-submounts", "--xattr",
		"--log-level=error", NULL
	} },
	{ "/usr/lib/qemu/virtiofsd", {
		"virtiofsd", "--fd=3", "-o", "source=" TREE, "-o", "announce_submounts",
		"-o", "xattr", "-o", "log_level=err", NULL
	} },
};

static struct share *to_share(struct external *external)
{
	return (struct share *)((char *)external - offsetof(struct share, external));
}

/* It has processes of its own, in its group; the last one's end is that of the connection. */
static void end_server(struct share *share)
{
	char byte;

	if (!share->server)
		return;
	kill(-share->server, SIGKILL);
	waitpid(share->server, NULL, 0);
	share->server = 0;
	share->external.failed = -1;
	while (recv(share->backend.socket, &byte, 1, 0) > 0)
		;
	vhost_user_close(&share->backend);
}

static int start(struct external *external, const struct bulkhead_external_get *state)
{
	struct share *share = to_share(external);
	int result;

	if (!share->server)
		return fail("%s: virtiofsd has ended", external->name);
	result = vhost_user_start(&share->backend, external, state);
	if (result < 0)
		end_server(share);
	return result ? -1 : 0;
}

static int stop(struct external *external)
{
	struct share *share = to_share(external);

	if (!vhost_user_stop(&share->backend, external))
		return 0;
	end_server(share);
	return -1;
}

static const struct external_ops ops = {
	.start = start,
	.stop = stop,
};

static const struct server *find_server(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		if (!access(servers[i].path, X_OK))
			return &servers[i];
	fail("no virtiofsd in %s or %s; install qemu-system-common or virtiofsd",
	     servers[0].path, servers[1].path);
	return NULL;
}

/* The server needn't parse a path, whatever is in it. What the host unmounts isn't kept here. */
static int mount_tree(const char *dir)
{
	if (mkdir(TREE, 0700) && errno != EEXIST)
		return fail_errno(TREE);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL))
		return fail_errno("can't create a mount namespace for virtiofsd");
	if (mount(dir, TREE, NULL, MS_BIND | MS_REC, NULL))
		return fail_errno("%s: can't bind it to " TREE, dir);
	return 0;
}

static int execute(const struct server *server, int listener)
{
	/* A descriptor that stays where it is would be closed. */
	if (listener == SERVER_SOCKET ? !fcntl(listener, F_SETFD, 0) :
					dup2(listener, SERVER_SOCKET) == SERVER_SOCKET)
		execv(server->path, (char *const *)server->args);
	return fail_errno("can't start %s", server->path);
}

/* The child: in a session of its own, for a terminal's signals are the guest's. */
static void run_server(const struct server *server, const char *dir, int listener, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setsid();
	if (mount_tree(dir) || execute(server, listener))
		error_print();
	_exit(1);
}

/*
 * A socket that the server accepts one connection of, and that connection. It has a name while
 * nobody else can see it.
 */
static int connect_server(int *listener)
{
	char dir[] = "/tmp/bulkhead.XXXXXX";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int client = -1;

	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || !mkdtemp(dir))
		return fail_errno("can't create a socket for virtiofsd");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", dir);
	if (!bind(*listener, (struct sockaddr *)&addr, sizeof(addr)) && !listen(*listener, 1))
		client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0 || connect(client, (struct sockaddr *)&addr, sizeof(addr))) {
		fail_errno("can't connect a socket to virtiofsd");
		if (client >= 0)
			close(client);
		client = -1;
	}
	unlink(addr.sun_path);
	rmdir(dir);
	return client;
}

/* Starts the server. Returns a socket to it, or -1 with an error. */
static int start_server(struct share *share, const char *dir)
{
	int listener cleanup_close = -1;
	const struct server *server = find_server();
	pid_t parent = getpid();
	int client;
	pid_t pid;

	if (!server)
		return -1;
	client = connect_server(&listener);
	if (client < 0)
		return -1;
	pid = fork();
	if (!pid)
		run_server(server, dir, listener, parent);
	if (pid < 0) {
		close(client);
		return fail_errno("can't start virtiofsd");
	}
	share->server = pid;
	return client;
}

int share_create(struct share *share, int partition, const char *dir, const struct memory *memory)
{
	const struct virtio_fs_config config = {
		.tag = SHARE_TAG,
		.num_request_queues = htole32(QUEUES - 1),
	};
	int socket;

	share->external = (struct external){ .name = "virtio-fs", .ops = &ops, .fd = -1 };
	socket = start_server(share, dir);
	if (socket < 0 || vhost_user_open(&share->backend, socket, "virtiofsd", memory))
		return -1;
	share->external.failed = share->backend.socket;

	const struct external_setup setup = {
		.device = VIRTIO_ID_FS,
		.queues = QUEUES,
		.queue_max = QUEUE_MAX,
		.features = share->backend.features,
		.config = &config,
		.config_bytes = sizeof(config),
	};

	return external_create(&share->external, partition, &setup);
}

int share_start(struct share *share)
{
	return external_start(&share->external);
}

void share_end(struct share *share)
{
	external_join(&share->external);
	end_server(share);
}
