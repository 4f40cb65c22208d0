// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_VSOCK for test scripts, at both of its ends; static, so that any guest can run it.
 *
 *   vsock_tool connect CID PORT	stdin to the socket, and the socket to stdout
 *   vsock_tool echo PORT N		accept N connections at once, print their CIDs, and send
 *					back what comes
 */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "vsock_tool: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

/* Until @from ends. */
static bool copy(int from, int to)
{
	static char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (!write_all(to, buffer, n))
			return false;
	return !n;
}

static int connect_to(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port,
	};
	int tries, fd;

	/* Who is to accept it may not be there yet; each try has a timeout of its own as well. */
	for (tries = 0; tries < 300; tries++) {
		fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			return fd;
		close(fd);
		usleep(100000);
	}
	return -1;
}

static int tool_connect(unsigned int cid, unsigned int port)
{
	int fd = connect_to(cid, port);
	int status;
	pid_t pid;

	if (fd < 0)
		return fail("connect");
	pid = fork();
	if (pid < 0)
		return fail("fork");
	if (!pid)
		_exit(copy(STDIN_FILENO, fd) && !shutdown(fd, SHUT_WR) ? 0 : fail("send"));
	if (!copy(fd, STDOUT_FILENO))
		return fail("receive");
	if (waitpid(pid, &status, 0) != pid)
		return fail("wait");
	return status ? 1 : 0;
}

/* The first is served when all are there: they are open at once. */
static int tool_echo(unsigned int port, unsigned int n)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port,
	};
	int server = socket(AF_VSOCK, SOCK_STREAM, 0);
	int *fds = calloc(n, sizeof(*fds));
	unsigned int i;
	int status, failed = 0;

	if (server < 0 || !fds || bind(server, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(server, n))
		return fail("listen");
	for (i = 0; i < n; i++) {
		socklen_t len = sizeof(addr);

		fds[i] = accept(server, (struct sockaddr *)&addr, &len);
		if (fds[i] < 0)
			return fail("accept");
		printf("%u\n", addr.svm_cid);
		fflush(stdout);
	}
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return fail("fork");
		if (!pid)
			_exit(copy(fds[i], fds[i]) && !shutdown(fds[i], SHUT_WR) ? 0 :
			      fail("echo"));
		close(fds[i]);
	}
	for (i = 0; i < n; i++)
		failed |= wait(&status) < 0 || status;
	return failed;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "connect"))
		return tool_connect(atoi(argv[2]), atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "echo"))
		return tool_echo(atoi(argv[2]), atoi(argv[3]));
	fprintf(stderr, "usage: vsock_tool connect CID PORT | echo PORT CONNECTIONS\n");
	return 2;
}
