// SPDX-License-Identifier: GPL-2.0-only
#include "runner/streams.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define CONTROL	CMSG_SPACE(N_STREAMS * sizeof(int))

int streams_send(int socket, uint32_t process, const int fds[N_STREAMS])
{
	struct frame_header frame = { .type = FRAME_STREAMS, .id = process };
	struct iovec iov = { .iov_base = &frame, .iov_len = sizeof(frame) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	char control[CONTROL] = { 0 };
	struct cmsghdr *cmsg = (struct cmsghdr *)control;
	int present[N_STREAMS];
	size_t n = 0;

	for (int i = 0; i < N_STREAMS; i++)
		if (fds[i] >= 0)
			present[n++] = fds[i];
	if (n) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), present, n * sizeof(int));
	}
	/* The first thing that is sent: there is room for it. */
	if (sendmsg(socket, &header, MSG_NOSIGNAL) != sizeof(frame))
		return fail_errno("can't hand over the streams of a process");
	return 0;
}

static int receive(int socket, int *fds, size_t n)
{
	struct frame_header frame;
	struct iovec iov = { .iov_base = &frame, .iov_len = sizeof(frame) };
	char control[CONTROL];
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL) != sizeof(frame))
		return fail_errno("can't take over the streams of the process");
	cmsg = CMSG_FIRSTHDR(&header);
	if (!cmsg && !n)
		return 0;
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len != CMSG_LEN(n * sizeof(int)))
		return fail("the runner handed over other streams than were asked for");
	memcpy(fds, CMSG_DATA(cmsg), n * sizeof(int));
	return 0;
}

int streams_receive(int socket, const bool wanted[N_STREAMS], int fds[N_STREAMS])
{
	struct frame_header frame;
	int received[N_STREAMS];
	size_t n = 0;
	ssize_t got;

	for (int i = 0; i < N_STREAMS; i++) {
		fds[i] = -1;
		n += wanted[i];
	}
	do {
		got = recv(socket, &frame, sizeof(frame), MSG_PEEK | MSG_WAITALL);
	} while (got < 0 && errno == EINTR);
	/* Anything else is for who reads frames. */
	if (got != sizeof(frame) || frame.type != FRAME_STREAMS)
		return 0;
	if (receive(socket, received, n))
		return -1;
	n = 0;
	for (int i = 0; i < N_STREAMS; i++)
		if (wanted[i])
			fds[i] = received[n++];
	return 0;
}
