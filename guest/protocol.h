/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the runner and the agent say to each other, and the runner and the commands that ask it for
 * something: frames, each a header and its data, over a stream socket. docs/protocol.md tells the
 * whole conversation. Structures are as x86-64 has them, little-endian and without padding. All
 * sides distrust each other: a frame that is malformed, too long or out of turn ends the
 * conversation.
 *
 * Compiled into agent and controller.
 */
#ifndef BULKHEAD_PROTOCOL_H
#define BULKHEAD_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION	6

/* Bytes of data in a frame. An OCI configuration is the longest. */
#define FRAME_DATA_MAX		(1024 * 1024 + 256)

/*
 * A place has several containers at most: the first, with which it ends, and those that join it. An
 * id has the container's number, and below it that of a process, or of a request.
 */
#define CONTAINERS_MAX		256
#define CONTAINER_SHIFT		20
#define CONTAINER_OF(id)	((id) >> CONTAINER_SHIFT)
#define WITHIN(id)		((id) & ((1U << CONTAINER_SHIFT) - 1))

/* The process that a container is there for. Those of exec have numbers from 1 on. */
#define PROCESS_INIT(container)	((uint32_t)(container) << CONTAINER_SHIFT)

/* As many a container has at once, that one and those of exec. */
#define PROCESSES_MAX		256

/* What the guest mounts, and where. Host and guest make their paths of it. */
#define SHARE_TAG		"bulkhead"
#define SHARE_DIR		"/run/bulkhead/share"
#define SHARE_ROOT		SHARE_DIR "/%u/root"	/* of a tree, by its number */
#define SHARE_VOLUMES		SHARE_DIR "/%u/volumes"

/* In a guest, the memory that containers share which share a namespace of IPC. */
#define SHARED_MEMORY		"/run/bulkhead/shm"

/* In a guest, a sysfs that shows the containers' network. */
#define NETWORK_SYSFS		"/run/bulkhead/sys"

/* In a guest, where the first container has the socket that sd_notify(3) sends to, "notify". */
#define NOTIFY_DIR		"/run/bulkhead/notify"

/* In a guest, the namespaces of a container that is there, as of /proc/PID/ns. */
#define NAMESPACES		"/run/bulkhead/namespaces/%u"

/* On the guest kernel's command line: the AF_VSOCK port of the host that the agent connects to. */
#define PORT_PARAMETER		"bulkhead.port="

enum frame_type {
	/* From the agent. */
	FRAME_HELLO = 1,	/* struct frame_hello: first, once */
	FRAME_EXITED,		/* struct frame_exited */
	FRAME_READY,		/* no data: the container says so, see STDIO_NOTIFY */
	FRAME_REPLY,		/* struct frame_reply, and what it says of the request */

	/* Requests: each is answered by one REPLY, with its id, when it is done. */
	FRAME_NETWORK,		/* struct frame_network, and what it says; once, before CREATE */
	FRAME_CREATE,		/* struct frame_stdio, and the container's config.json */
	FRAME_START,		/* no data: lets the container's process begin */
	FRAME_EXEC,		/* struct frame_stdio, a cgroup or none, an OCI process object */
	FRAME_SIGNAL,		/* struct frame_signal */
	FRAME_RESIZE,		/* struct frame_size: of the process' terminal */
	FRAME_PAUSE,		/* no data, as in those that follow */
	FRAME_RESUME,
	FRAME_UPDATE,		/* "linux.resources" of a config, which the container is to have */
	FRAME_STATS,		/* reply: struct frame_stats */
	FRAME_PS,		/* reply: struct frame_process, and its command, for each */
	FRAME_PING,
	FRAME_FORGET,		/* uint32_t: the tree of this number isn't shared any more */
	FRAME_DELETE,		/* removes the container; the first one's ends agent and guest */

	/* From commands to the runner, besides requests. */
	FRAME_WAIT,		/* reply, once nothing is left of it: struct frame_exited */
	FRAME_STATE,		/* reply: struct frame_state */
	FRAME_JOIN,		/* struct frame_stdio, and who joins: ctl/runner/join.h */
	FRAME_COUNTERS,		/* reply: struct frame_counters for each network interface */
	FRAME_LOGS,		/* uint32_t, 1 to follow. Reply: uint64_t lost bytes, text */

	/* From the runner to commands. */
	FRAME_STREAMS,		/* no data, but descriptors: of the process' streams */
	FRAME_OUTPUT,		/* more text of a log that is followed */
	N_FRAME_TYPES,
};

struct frame_header {
	uint32_t length;	/* of the data that follows */
	uint16_t type;
	uint16_t reserved;	/* zero */
	uint32_t id;		/* of a process, or a request, as the asker likes */
};

struct frame_hello {
	uint32_t version;
};

/*
 * Network devices of the guest, and how they are to be set up: first, for each, a struct
 * frame_interface, then messages of rtnetlink(7), which the agent hands to its kernel one by one.
 */
struct frame_network {
	uint32_t interfaces;
	uint32_t reserved;	/* zero */
};

/* The device with this address gets this number and name, by which messages tell it. */
struct frame_interface {
	uint8_t mac[6];
	uint16_t reserved;	/* zero */
	uint32_t index;
	char name[16];		/* up to 15 bytes, then zeroes */
};

#define INTERFACES_MAX	16

/* To all processes of the container, and not just to the one. */
#define SIGNAL_ALL	0x1

struct frame_signal {
	uint32_t number;	/* 1 to 64 */
	uint32_t flags;
};

enum stream {
	STREAM_IN,
	STREAM_OUT,
	STREAM_ERR,
	N_STREAMS,
};

/* A control group of EXEC is an absolute path, below the container's own, of less than this. */
#define CGROUP_MAX	1024

#define STDIO_TERMINAL	0x1	/* a pseudo-terminal: no STREAM_ERR then */
#define STDIO_NOTIFY	0x2	/* of CREATE: the container may say when it is ready */

struct frame_size {
	uint16_t rows;
	uint16_t columns;
};

/*
 * The streams of a process. For each that has a ticket, the agent connects to where it reached the
 * runner, sends the ticket, and the connection carries the stream. One without is /dev/null.
 */
struct frame_stdio {
	uint64_t tickets[N_STREAMS];
	uint32_t flags;
	struct frame_size size;	/* of the terminal; zero if nobody knows */
};

#define EXITED_OOM	0x1	/* processes of the container were killed for lack of memory */

struct frame_exited {
	uint32_t status;	/* 0 to 255, 128 + N after signal N */
	uint32_t flags;
};

enum reply_code {
	REPLY_DONE,
	REPLY_FAILED,		/* with the reason as text, as in those that follow */
	REPLY_CANNOT_EXECUTE,	/* the command can't be executed: exit status 126 */
	REPLY_NOT_FOUND,	/* there is no such command: exit status 127 */
	REPLY_GONE,		/* the process or the container has ended, or never was */
	N_REPLY_CODES,
};

struct frame_reply {
	uint16_t request;	/* an enum frame_type */
	uint16_t code;
};

/* As the OCI runtime specification has it. What has ended has no runner that could be asked. */
enum container_state {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,	/* what it has said may be on its way */
};

struct frame_state {
	uint32_t state;		/* an enum container_state */
	uint32_t pid;		/* of the process on the host that ends with it */
	uint32_t number;	/* among the containers of its place */
	uint32_t reserved;	/* zero */
	uint64_t network[2];	/* st_dev, st_ino of its network namespace on the host, or zero */
};

/* The control group of the container. UINT64_MAX is no limit, or a figure that there isn't. */
struct frame_stats {
	uint64_t memory;	/* bytes, now */
	uint64_t memory_peak;
	uint64_t memory_limit;
	uint64_t cpu_usec;
	uint64_t cpu_user_usec;
	uint64_t cpu_system_usec;
	uint64_t cpu_throttled_usec;
	uint64_t processes;
	uint64_t processes_limit;
	uint64_t oom_kills;
};

/* An interface of the container's network namespace, as the host's kernel counts. */
struct frame_counters {
	char name[16];		/* up to 15 bytes, then zeroes */
	uint64_t rx_bytes;
	uint64_t rx_packets;
	uint64_t rx_errors;
	uint64_t rx_dropped;
	uint64_t tx_bytes;
	uint64_t tx_packets;
	uint64_t tx_errors;
	uint64_t tx_dropped;
};

/* A process of the container. Its command line follows, arguments separated by zeroes. */
struct frame_process {
	uint32_t pid;		/* in the container */
	uint32_t parent;	/* likewise; 0 if it isn't there */
	uint32_t uid;		/* in the container's user namespace */
	uint32_t command_length;
	uint64_t cpu_usec;
	uint64_t memory;	/* bytes, resident */
};

/* A taken frame; @data is valid up to the next call for its connection. */
struct frame {
	enum frame_type type;
	uint32_t id;
	size_t length;
	const void *data;
};

/* One end of a conversation, and what is on its way in and out. Buffers grow as needed. */
struct connection {
	int fd;			/* O_NONBLOCK */
	uint8_t *in;
	size_t in_start;
	size_t in_end;
	size_t in_room;
	uint8_t *out;
	size_t out_start;
	size_t out_end;
	size_t out_room;
};

void connection_init(struct connection *connection, int fd);

/* Closes it and frees the buffers. */
void connection_close(struct connection *connection);

/* Reads what has come. Returns the bytes read, 0 at the end, or a negative errno (-EAGAIN). */
int connection_fill(struct connection *connection);

/* Takes the next frame. Returns 1, 0 if it hasn't come in full, or -EPROTO if it is malformed. */
int connection_next(struct connection *connection, struct frame *frame);

/*
 * Queues a frame whose data is @head, then @tail; either may be empty. Returns 0, or -ENOBUFS if
 * there is no memory, or the other side has let too much pile up.
 */
int connection_put(struct connection *connection, enum frame_type type, uint32_t id,
		   const void *head, size_t head_length, const void *tail, size_t tail_length);

static inline bool connection_has_output(const struct connection *connection)
{
	return connection->out_start != connection->out_end;
}

/* Sends as much as the socket takes now. Returns 0, or a negative errno other than -EAGAIN. */
int connection_flush(struct connection *connection);

#endif
