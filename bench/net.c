// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of a TCP connection:
 *
 *   net serve	in a container or guest: do what the other end asks for, until it closes
 *   net ADDRESS	on the host, in the meter: connect to that, and measure
 *
 * There is one connection, so that nothing of TCP starts anew when it is counted. What is asked for
 * is a struct request.
 */
#include "mark.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define PORT		5001

#define MiB		(1UL << 20)

/* How much at a time is sent and received. */
#define PIECE		(128 << 10)

/* Seconds until a guest must have booted, and its program listen. */
#define TIMEOUT		60

/*
 * Two seconds after a guest has freed memory, its balloon gives it back to the host. That is waited
 * for, and all that is measured is over before there is more of it.
 */
#define SETTLE		5

enum {
	IN,			/* the server gets @count MiB */
	OUT,			/* and sends them */
	ROUND_TRIP,		/* a byte from the client, and one back */
};

struct request {
	uint64_t what;
	uint64_t count;
};

static char buffer[PIECE];

static void get(int fd, void *data, size_t bytes)
{
	if (recv(fd, data, bytes, MSG_WAITALL) != (ssize_t)bytes)
		err(1, "can't receive");
}

static void put(int fd, const void *data, size_t bytes)
{
	if (send(fd, data, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		err(1, "can't send");
}

/* As much as there is at a time, not until the buffer is full. */
static void get_stream(int fd, unsigned long count)
{
	size_t left = count * MiB;

	while (left) {
		ssize_t n = recv(fd, buffer, left < PIECE ? left : PIECE, 0);

		if (n <= 0)
			err(1, "can't receive");
		left -= n;
	}
}

static void put_stream(int fd, unsigned long count)
{
	size_t left;

	for (left = count * MiB; left; left -= PIECE)
		put(fd, buffer, PIECE);
}

static void do_request(int fd, const struct request *request)
{
	uint64_t i;
	char c = 0;

	switch (request->what) {
	case IN:
		get_stream(fd, request->count);
		put(fd, &c, 1);
		break;
	case OUT:
		put_stream(fd, request->count);
		break;
	case ROUND_TRIP:
		for (i = 0; i < request->count; i++) {
			get(fd, &c, 1);
			put(fd, &c, 1);
		}
		break;
	default:
		errx(1, "an unknown request");
	}
}

static void set_no_delay(int fd)
{
	const int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		err(1, "TCP_NODELAY");
}

static int serve(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct request request;
	int fd;

	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 1))
		err(1, "can't listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		err(1, "accept");
	set_no_delay(fd);
	while (recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request))
		do_request(fd, &request);
	return 0;
}

/* Tried for some time, one second each: the first packets may come too early to be heard. */
static int connect_to(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const struct timeval second = { .tv_sec = 1 }, none = { };
	time_t deadline = time(NULL) + TIMEOUT;
	int fd;

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		errx(1, "%s: not an address", text);
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)))
			err(1, "socket");
		if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
			break;
		if (time(NULL) > deadline)
			err(1, "%s", text);
		close(fd);
		usleep(100000);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)))
		err(1, "SO_SNDTIMEO");
	set_no_delay(fd);
	return fd;
}

static void ask(int fd, uint64_t what, unsigned long count)
{
	const struct request request = { .what = what, .count = count };

	put(fd, &request, sizeof(request));
}

static void stream_in(int fd, unsigned long count)
{
	char c;

	ask(fd, IN, count);
	put_stream(fd, count);
	get(fd, &c, 1);
}

static void stream_out(int fd, unsigned long count)
{
	ask(fd, OUT, count);
	get_stream(fd, count);
}

static void round_trips(int fd, unsigned long count)
{
	char c = 0;

	ask(fd, ROUND_TRIP, count);
	while (count--) {
		put(fd, &c, 1);
		get(fd, &c, 1);
	}
}

static const struct bench {
	const char *name;
	void (*run)(int fd, unsigned long count);
	unsigned long first;	/* not counted: windows grow, and all memory has been used */
	unsigned long counts[2];
} benches[] = {
	{ "net-in", stream_in, 8, { 4, 20 } },
	{ "net-out", stream_out, 8, { 4, 20 } },
	{ "net-rr", round_trips, 50, { 100, 500 } },
};

static void measure(int fd, const struct bench *bench)
{
	size_t i;

	bench->run(fd, bench->first);
	for (i = 0; i < ARRAY_SIZE(bench->counts); i++) {
		if (mark_begin(STDOUT_FILENO) || mark_wait(STDIN_FILENO, -1))
			err(1, "no answer to a mark");
		bench->run(fd, bench->counts[i]);
		if (mark_end(STDOUT_FILENO, bench->name, bench->counts[i]) ||
		    mark_wait(STDIN_FILENO, -1))
			err(1, "no answer to a mark");
	}
}

int main(int argc, char **argv)
{
	size_t i;
	int fd;

	if (argc != 2)
		errx(2, "usage: net serve|ADDRESS");
	if (!strcmp(argv[1], "serve"))
		return serve();
	fd = connect_to(argv[1]);
	sleep(SETTLE);
	for (i = 0; i < ARRAY_SIZE(benches); i++)
		measure(fd, &benches[i]);
	return 0;
}
