// SPDX-License-Identifier: GPL-2.0-only
#include "machine/share.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "protocol.h"

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

/* Below it, for each tree by its number. */
#define TREE_ROOT	"%u/root"
#define TREE_VOLUMES	"%u/volumes"

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
	/* It may not have come to have a group. */
	kill(-share->server, SIGKILL);
	kill(share->server, SIGKILL);
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

	if (share->errors.running) {
		fuse_errors_stop(&share->errors);
		return 0;
	}
	if (!vhost_user_stop(&share->backend, external))
		return 0;
	end_server(share);
	return -1;
}

static int replace(struct external *external, const struct bulkhead_external_get *state)
{
	struct share *share = to_share(external);

	end_server(share);
	warn("virtiofsd has ended; all that the guest does with files of the host's is an error");
	return fuse_errors_start(&share->errors, external, state, share->backend.memory);
}

static const struct external_ops ops = {
	.start = start,
	.stop = stop,
	.replace = replace,
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

/* A mount of its own for it, that isn't anywhere yet. Returns a descriptor, or -1. */
static int clone_bind(const struct bind *bind)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	unsigned int recursive = bind->is_recursive ? AT_RECURSIVE : 0;
	int fd = open_tree(AT_FDCWD, bind->source,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	int result = fd < 0 ? -1 : 0;

	if (!result && bind->read_only)
		result = mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr));
	return result ? fail_errno("%s: can't be shared with the guest", bind->source) : fd;
}

static int place_bind(int fd, const struct bind *bind, const char *path)
{
	struct stat stat;
	int file;

	if (fstat(fd, &stat))
		return fail_errno("%s", bind->source);
	if (S_ISDIR(stat.st_mode)) {
		file = mkdir(path, 0700);
	} else {
		file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (file >= 0)
			close(file);
	}
	if (file < 0 || move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH))
		return fail_errno("%s: can't be shared with the guest", bind->source);
	return 0;
}

/* The mounts of a tree, as descriptors: the root's, then the volumes'. */
struct clones {
	int *fds;
	unsigned int n;
};

static void close_clones(struct clones *clones)
{
	for (unsigned int i = 0; i < clones->n; i++)
		close(clones->fds[i]);
	free(clones->fds);
}

/* All of them first: where they are placed may hide one. */
static int clone_tree(const struct tree *tree, struct clones *clones)
{
	*clones = (struct clones){ .fds = calloc(1 + tree->n_volumes, sizeof(*clones->fds)) };
	if (!clones->fds)
		return fail_errno("can't share files with the guest");
	for (unsigned int i = 0; i <= tree->n_volumes; i++) {
		int fd = clone_bind(i ? &tree->volumes[i - 1] : &tree->root);

		if (fd < 0)
			return -1;
		clones->fds[clones->n++] = fd;
	}
	return 0;
}

/* Where the working directory is. */
static int place_tree(const struct tree *tree, const struct clones *clones)
{
	char path[64];

	snprintf(path, sizeof(path), "%u", tree->number);
	if (mkdir(path, 0755))
		return fail_errno("%s", path);
	snprintf(path, sizeof(path), TREE_ROOT, tree->number);
	if (place_bind(clones->fds[0], &tree->root, path))
		return -1;
	snprintf(path, sizeof(path), TREE_VOLUMES, tree->number);
	if (mkdir(path, 0700))
		return fail_errno("%s", path);
	for (unsigned int i = 0; i < tree->n_volumes; i++) {
		snprintf(path, sizeof(path), TREE_VOLUMES "/%u", tree->number, i);
		if (place_bind(clones->fds[1 + i], &tree->volumes[i], path))
			return -1;
	}
	return 0;
}

/*
 * In a mount namespace of its own, so that nobody else sees these mounts, and the server needn't
 * parse a path of the user's. What the host unmounts isn't kept here. The server goes to one of its
 * own again; what is placed here later, it gets there.
 */
static int mount_tree(const struct tree *tree)
{
	struct clones clones;
	int result;

	if (mkdir(TREE, 0700) && errno != EEXIST)
		return fail_errno(TREE);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL))
		return fail_errno("can't create a mount namespace for virtiofsd");
	result = clone_tree(tree, &clones);
	if (!result && (mount("tmpfs", TREE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") ||
			mount(NULL, TREE, NULL, MS_SHARED, NULL) || chdir(TREE)))
		result = fail_errno("can't mount what virtiofsd is to serve");
	if (!result)
		result = place_tree(tree, &clones);
	close_clones(&clones);
	/* The server isn't to be in anybody's way there. */
	return result ?: chdir("/");
}

/* The server's mount namespace is entered by a process of its own, which has but one thread. */
static int in_namespace(const struct share *share, int (*act)(const void *data), const void *data)
{
	int fd cleanup_close = -1;
	char path[64];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", share->server);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!share->server || fd < 0)
		return fail("virtiofsd has ended");
	pid = fork();
	if (pid < 0)
		return fail_errno("can't share files with the guest");
	if (!pid) {
		/* One whose root is the tree itself has nothing else. */
		if (setns(fd, CLONE_NEWNS) || (chdir(TREE) && chdir("/")) || act(data))
			_exit(1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status ? fail("can't share files with the guest") : 0;
}

struct addition {
	const struct tree *tree;
	const struct clones *clones;
};

static int add(const void *data)
{
	const struct addition *addition = data;

	return place_tree(addition->tree, addition->clones);
}

int share_add(struct share *share, const struct tree *tree)
{
	struct clones clones;
	const struct addition addition = { tree, &clones };
	int result = clone_tree(tree, &clones);

	if (!result)
		result = in_namespace(share, add, &addition);
	close_clones(&clones);
	return result;
}

static int remove_tree(const void *data)
{
	const struct tree *tree = data;
	char path[64];

	for (unsigned int i = 0; i < tree->n_volumes; i++) {
		snprintf(path, sizeof(path), TREE_VOLUMES "/%u", tree->number, i);
		umount2(path, MNT_DETACH);
		if (rmdir(path))
			unlink(path);
	}
	snprintf(path, sizeof(path), TREE_VOLUMES, tree->number);
	rmdir(path);
	snprintf(path, sizeof(path), TREE_ROOT, tree->number);
	umount2(path, MNT_DETACH);
	rmdir(path);
	snprintf(path, sizeof(path), "%u", tree->number);
	rmdir(path);
	return 0;
}

void share_remove(struct share *share, const struct tree *tree)
{
	/* If the server has ended, its mounts have, too. */
	if (in_namespace(share, remove_tree, tree))
		warn("%s", error_text());
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
static void run_server(const struct server *server, const struct tree *tree, int listener,
		       pid_t parent, int (*join_cgroup)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setsid();
	if ((join_cgroup && join_cgroup()) || mount_tree(tree) || execute(server, listener))
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
static int start_server(struct share *share, const struct tree *tree, int (*join_cgroup)(void))
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
		run_server(server, tree, listener, parent, join_cgroup);
	if (pid < 0) {
		close(client);
		return fail_errno("can't start virtiofsd");
	}
	share->server = pid;
	return client;
}

int share_create(struct share *share, int partition, const struct tree *tree,
		 int (*join_cgroup)(void), const struct memory *memory, unsigned int timeout)
{
	const struct virtio_fs_config config = {
		.tag = SHARE_TAG,
		.num_request_queues = htole32(QUEUES - 1),
	};
	int socket;

	share->external = (struct external){ .name = "virtio-fs", .ops = &ops, .fd = -1 };
	socket = start_server(share, tree, join_cgroup);
	if (socket < 0 || vhost_user_open(&share->backend, socket, "virtiofsd", memory, timeout))
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

void share_abandon(struct share *share)
{
	end_server(share);
}

void share_end(struct share *share)
{
	external_join(&share->external);
	end_server(share);
}
