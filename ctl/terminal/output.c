// SPDX-License-Identifier: GPL-2.0-only
#include "terminal/output.h"
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/*
 * The descriptors are shared with other processes, so they can't be made non-blocking. But a pipe
 * that is writable takes PIPE_BUF bytes without waiting.
 */
int output_write(struct output *output)
{
	size_t length = output->length < PIPE_BUF ? output->length : PIPE_BUF;
	ssize_t n = write(output->fd, output->data, length);

	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return fail_errno("standard %s",
				  output->fd == STDERR_FILENO ? "error output" : "output");
	if (n > 0) {
		output->data += n;
		output->length -= n;
	}
	return 0;
}
