// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tests do inside of containers, where no shell can: container_tool locks|mapping|sparse|
 * unlinked|xattrs FILE, files DIR N, memory MIB, realtime, group|say GROUP PORT [ADDRESS], answer
 * PORT TEXT, ask tcp|udp ADDRESS PORT, frames INTERFACE, frame INTERFACE TO FROM. The exit status
 * is 0 if all is as it is on a file system of the host's. Linked statically: no root directory has
 * to have libraries.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MiB	(1024 * 1024L)

#define EXPERIMENT	0x88b5	/* a protocol: IEEE 802, table 3 */

/* "is true" reads like the sentence that it is in a failure. */
#define check(what) \
	do { \
		if (!(what)) \
			err(1, "%s:%d: not so: %s", __FILE__, __LINE__, #what); \
	} while (0)

static int open_file(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* Another process, since a lock of one's own never is in the way. */
static bool others_can_lock(const char *path, bool flocks, bool waits)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	pid_t pid = fork();
	int status;

	check(pid >= 0);
	if (!pid) {
		int fd = open_file(path, 0);
		int result = flocks ? flock(fd, LOCK_EX | (waits ? 0 : LOCK_NB)) :
				      fcntl(fd, waits ? F_SETLKW : F_SETLK, &lock);

		_exit(!result ? 0 : errno == EAGAIN || errno == EACCES ? 1 : 2);
	}
	check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return !WEXITSTATUS(status);
}

static void test_locks(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };
	int fd = open_file(path, O_CREAT);
	pid_t pid;

	check(!fcntl(fd, F_SETLK, &lock));
	check(!others_can_lock(path, false, false));
	lock.l_type = F_UNLCK;
	check(!fcntl(fd, F_SETLK, &lock));
	check(others_can_lock(path, false, false));
	check(!flock(fd, LOCK_EX));
	check(!others_can_lock(path, true, false));
	check(!flock(fd, LOCK_UN));
	check(others_can_lock(path, true, false));
	/* Who waits gets it when its holder ends. */
	check(!flock(fd, LOCK_EX));
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		/* Or else it is a holder, too. */
		close(fd);
		_exit(!others_can_lock(path, true, true));
	}
	close(fd);
	check(waitpid(pid, NULL, 0) == pid);
	check(others_can_lock(path, true, false));
}

/* What is written through a mapping is in the file, and in another's mapping of it. */
static void test_mapping(const char *path)
{
	int fd = open_file(path, O_CREAT | O_TRUNC);
	char *map, text[6] = "";
	int status;
	pid_t pid;

	check(!ftruncate(fd, MiB));
	map = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(map != MAP_FAILED);
	memcpy(map + 5000, "first", 5);
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		int other = open_file(path, 0);
		char *theirs = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);

		check(theirs != MAP_FAILED && !memcmp(theirs + 5000, "first", 5));
		memcpy(theirs + MiB - 5, "other", 5);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
	check(!memcmp(map + MiB - 5, "other", 5));
	check(!msync(map, MiB, MS_SYNC));
	check(pread(fd, text, 5, 5000) == 5 && !strcmp(text, "first"));
	check(!munmap(map, MiB));
}

static void test_sparse(const char *path)
{
	int fd = open_file(path, O_CREAT | O_TRUNC);
	struct stat stat;
	char byte = 1;

	check(!ftruncate(fd, 1024 * MiB));
	check(pwrite(fd, "x", 1, 512 * MiB) == 1);
	check(!fsync(fd));
	check(!fstat(fd, &stat) && stat.st_size == 1024 * MiB);
	check(stat.st_blocks > 0 && stat.st_blocks * 512 < MiB);
	check(pread(fd, &byte, 1, 100 * MiB) == 1 && !byte);
	check(pread(fd, &byte, 1, 512 * MiB) == 1 && byte == 'x');
	check(pread(fd, &byte, 1, 1024 * MiB) == 0);
}

/* A file lives on without a name, as long as it is open. */
static void test_unlinked(const char *path)
{
	int fd = open_file(path, O_CREAT | O_TRUNC);
	struct stat stat;
	char text[5] = "";

	check(write(fd, "text", 4) == 4);
	check(!unlink(path));
	check(access(path, F_OK) && errno == ENOENT);
	check(pread(fd, text, 4, 0) == 4 && !strcmp(text, "text"));
	check(write(fd, "more", 4) == 4);
	check(!fstat(fd, &stat) && stat.st_size == 8 && stat.st_nlink == 0);
}

static void test_xattrs(const char *path)
{
	int fd = open_file(path, O_CREAT);
	char value[16] = "", names[256];
	ssize_t n;

	check(!fsetxattr(fd, "user.test", "va\0ue", 5, 0));
	check(getxattr(path, "user.test", value, sizeof(value)) == 5);
	check(!memcmp(value, "va\0ue", 5));
	n = listxattr(path, names, sizeof(names));
	check(n > 0 && memmem(names, n, "user.test", sizeof("user.test")));
	check(!removexattr(path, "user.test"));
	check(getxattr(path, "user.test", value, sizeof(value)) < 0 && errno == ENODATA);
	/* This one stays, for the host to see. */
	check(!setxattr(path, "user.stays", "text", 4, 0));
}

static int count(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	check(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void test_files(const char *path, int n)
{
	char name[32];

	check(!mkdir(path, 0700) && !chdir(path));
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		int fd = open_file(name, O_CREAT | O_EXCL);

		check(write(fd, name, strlen(name)) == (ssize_t)strlen(name));
		close(fd);
	}
	check(count(".") == n);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		check(!unlink(name));
	}
	check(count(".") == 0);
	check(!chdir("/") && !rmdir(path));
}

static void use_memory(long mib)
{
	for (long i = 0; i < mib; i++) {
		char *memory = mmap(NULL, MiB, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		check(memory != MAP_FAILED);
		memset(memory, 1 + i % 255, MiB);
	}
}

/* Takes a CPU from all others. */
static void run_realtime(void)
{
	const struct sched_param param = { .sched_priority = 99 };

	check(!sched_setscheduler(0, SCHED_FIFO, &param));
	for (;;)
		;
}

/* By the interface that the address is of, or that the routes say. */
static struct ip_mreq find_group(char **args, int n)
{
	struct ip_mreq group = { .imr_interface.s_addr = INADDR_ANY };

	check(inet_pton(AF_INET, args[0], &group.imr_multiaddr) == 1);
	check(n < 3 || inet_pton(AF_INET, args[2], &group.imr_interface) == 1);
	return group;
}

static struct sockaddr_in group_address(const struct ip_mreq *group, const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
		.sin_addr = group->imr_multiaddr,
	};
}

/* GROUP PORT [ADDRESS]: says what the first datagram to the group says. */
static void listen_to_group(char **args, int n)
{
	const struct ip_mreq group = find_group(args, n);
	const struct sockaddr_in addr = group_address(&group, args[1]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char text[64] = "";

	check(fd >= 0 && !bind(fd, (const struct sockaddr *)&addr, sizeof(addr)));
	check(!setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	puts("ready");
	fflush(stdout);
	check(recv(fd, text, sizeof(text) - 1, 0) > 0);
	puts(text);
}

/* GROUP PORT [ADDRESS]: says hello, until it is killed or has done so often. */
static void talk_to_group(char **args, int n)
{
	const struct ip_mreq group = find_group(args, n);
	const struct sockaddr_in addr = group_address(&group, args[1]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	check(fd >= 0);
	check(!setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group.imr_interface,
			  sizeof(group.imr_interface)));
	for (int i = 0; i < 5; i++) {
		check(sendto(fd, "hello", 5, 0, (const struct sockaddr *)&addr,
			     sizeof(addr)) == 5);
		usleep(200000);
	}
}

static int open_port(int type, int port)
{
	const struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type, 0);

	check(!bind(fd, (const struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

/* Answers who asks, by TCP or UDP and over IPv4 or IPv6. */
static void answer(int port, const char *text)
{
	int tcp = open_port(SOCK_STREAM, port), udp = open_port(SOCK_DGRAM, port);
	struct pollfd fds[] = { { tcp, POLLIN, 0 }, { udp, POLLIN, 0 } };
	size_t length = strlen(text);

	check(!listen(tcp, 8));
	while (poll(fds, 2, -1) > 0) {
		struct sockaddr_in6 addr;
		socklen_t size = sizeof(addr);
		char data[8];

		if (fds[0].revents) {
			int fd = accept(tcp, NULL, NULL);

			check(write(fd, text, length) == (ssize_t)length);
			close(fd);
		}
		if (fds[1].revents) {
			check(recvfrom(udp, data, sizeof(data), 0, (struct sockaddr *)&addr,
				       &size) >= 0);
			check(sendto(udp, text, length, 0, (struct sockaddr *)&addr, size) ==
			      (ssize_t)length);
		}
	}
}

/* Prints the answer, if there is one within some seconds. */
static void ask(const char *protocol, const char *address, int port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const struct timeval limit = { .tv_sec = 5 };
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	bool is_udp = !strcmp(protocol, "udp");
	int fd = socket(is_v4 ? AF_INET : AF_INET6, is_udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	char text[64];
	ssize_t n;

	check(is_v4 || inet_pton(AF_INET6, address, &v6.sin6_addr) == 1);
	check(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	check(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
	if (is_v4)
		check(!connect(fd, (struct sockaddr *)&v4, sizeof(v4)));
	else
		check(!connect(fd, (struct sockaddr *)&v6, sizeof(v6)));
	check(!is_udp || send(fd, "?", 1, 0) == 1);
	n = recv(fd, text, sizeof(text), 0);
	check(n > 0);
	printf("%.*s\n", (int)n, text);
}

/* Prints from whom datagrams come. */
static void show_senders(int port)
{
	int fd = open_port(SOCK_DGRAM, port);

	puts("ready");
	for (;;) {
		struct sockaddr_in6 addr;
		socklen_t size = sizeof(addr);
		char text[INET6_ADDRSTRLEN], data[8];

		fflush(stdout);
		check(recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&addr, &size) >= 0);
		puts(inet_ntop(AF_INET6, &addr.sin6_addr, text, sizeof(text)));
	}
}

/* Sends a datagram in another's name. */
static void claim(const char *from, const char *to, int port)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct sockaddr_in sink = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	check(inet_pton(AF_INET, from, &source.sin_addr) == 1);
	check(inet_pton(AF_INET, to, &sink.sin_addr) == 1);
	check(!setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)));
	check(!bind(fd, (struct sockaddr *)&source, sizeof(source)));
	check(sendto(fd, "!", 1, 0, (struct sockaddr *)&sink, sizeof(sink)) == 1);
}

static int open_interface(const char *name)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(name),
	};
	const struct packet_mreq all = {
		.mr_ifindex = address.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	check(fd >= 0 && !bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	check(!setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)));
	return fd;
}

static void print_address(const uint8_t address[ETH_ALEN], const char *end)
{
	for (int i = 0; i < ETH_ALEN; i++)
		printf("%02x%s", address[i], i < ETH_ALEN - 1 ? ":" : end);
}

/* Prints FROM > TO of each frame that the interface hears, whoever it is for. */
static void show_frames(const char *interface)
{
	int fd = open_interface(interface);
	struct ether_header header;

	puts("ready");
	fflush(stdout);
	while (recv(fd, &header, sizeof(header), 0) == sizeof(header)) {
		print_address(header.ether_shost, " > ");
		print_address(header.ether_dhost, "\n");
		fflush(stdout);
	}
}

static void send_frame(const char *interface, const char *to, const char *from)
{
	struct { struct ether_header header; char data[46]; } frame = {
		.header.ether_type = htons(EXPERIMENT),
	};

	check(ether_aton_r(to, (struct ether_addr *)frame.header.ether_dhost));
	check(ether_aton_r(from, (struct ether_addr *)frame.header.ether_shost));
	check(send(open_interface(interface), &frame, sizeof(frame), 0) == sizeof(frame));
}

static const struct {
	const char *name;
	void (*function)(const char *path);
} tests[] = {
	{ "locks", test_locks },
	{ "mapping", test_mapping },
	{ "sparse", test_sparse },
	{ "unlinked", test_unlinked },
	{ "xattrs", test_xattrs },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(argv[1], tests[i].name))
			continue;
		tests[i].function(argv[2]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "files"))
		test_files(argv[2], atoi(argv[3]));
	else if (argc == 3 && !strcmp(argv[1], "memory"))
		use_memory(atol(argv[2]));
	else if (argc >= 4 && !strcmp(argv[1], "group"))
		listen_to_group(argv + 2, argc - 2);
	else if (argc >= 4 && !strcmp(argv[1], "say"))
		talk_to_group(argv + 2, argc - 2);
	else if (argc == 2 && !strcmp(argv[1], "realtime"))
		run_realtime();
	else if (argc == 4 && !strcmp(argv[1], "answer"))
		answer(atoi(argv[2]), argv[3]);
	else if (argc == 5 && !strcmp(argv[1], "ask"))
		ask(argv[2], argv[3], atoi(argv[4]));
	else if (argc == 3 && !strcmp(argv[1], "senders"))
		show_senders(atoi(argv[2]));
	else if (argc == 5 && !strcmp(argv[1], "claim"))
		claim(argv[2], argv[3], atoi(argv[4]));
	else if (argc == 3 && !strcmp(argv[1], "frames"))
		show_frames(argv[2]);
	else if (argc == 5 && !strcmp(argv[1], "frame"))
		send_frame(argv[2], argv[3], argv[4]);
	else
		errx(2, "unknown arguments");
	return 0;
}
