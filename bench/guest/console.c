// SPDX-License-Identifier: GPL-2.0-only
/* Text to a console: in large pieces and by lines over virtio, and over the 16550. */
#include "bench.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#define HVC		"/dev/hvc0"
#define UART		"/dev/ttyS0"

#define LINE		64
#define PAGE		4096

static char text[PAGE];

static void prepare(const struct bench *bench)
{
	size_t i;

	memset(text, 'x', sizeof(text));
	for (i = LINE - 1; i < sizeof(text); i += LINE)
		text[i] = '\n';
}

/* @count bytes, by as many as the argument says. */
static void run(const struct bench *bench, unsigned long count)
{
	int fd = tty_open(bench->device);
	unsigned long done;
	ssize_t n;

	for (done = 0; done < count; done += n) {
		n = write(fd, text, bench->arg);
		if (n != (ssize_t)bench->arg)
			die("%s: can't write: %m", bench->device);
	}
	tcdrain(fd);
	close(fd);
}

static const struct bench benches[] = {
	{ "hvc-4k", HVC, { 64 << 10, 320 << 10 }, prepare, run, PAGE },
	{ "hvc-line", HVC, { 4 << 10, 12 << 10 }, prepare, run, LINE },
	{ "uart-line", UART, { 1 << 10, 5 << 10 }, prepare, run, LINE },
};

const struct benches console_benches = { benches, ARRAY_SIZE(benches) };
