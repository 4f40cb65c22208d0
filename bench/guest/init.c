// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the guest that is measured. It loads the modules of its initramfs and runs the cases
 * that the kernel's command line asks for:
 *
 *   bench=NAME[,NAME...]	the beginnings of their names
 *   mmio=ADDRESS		of a virtio-mmio device, for register.c; also takes iomem=relaxed
 *   net=ADDRESS		serve the network at this address; no case then
 */
#include "bench.h"
#include "../mark.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/reboot.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Seconds until a device must be there. */
#define DEVICE_TIMEOUT	2

/*
 * Marks go out on the UART. A partition's input goes to its virtio console as soon as there is one,
 * so the answer is awaited on both.
 */
#define MARKS		"/dev/ttyS0"
#define OTHER		"/dev/hvc0"

static int marks = -1;
static int other = -1;

void die(const char *format, ...)
{
	int out = marks >= 0 ? marks : STDERR_FILENO;
	va_list args;

	va_start(args, format);
	dprintf(out, "@guest: ");
	vdprintf(out, format, args);
	dprintf(out, "\n");
	tcdrain(out);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

const char *parameter(const char *name)
{
	return getenv(name);
}

int tty_open(const char *path)
{
	struct termios termios;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &termios))
		die("%s: %m", path);
	cfmakeraw(&termios);
	if (tcsetattr(fd, TCSANOW, &termios))
		die("%s: %m", path);
	return fd;
}

static void mount_all(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	/* A kernel may have mounted it by itself. */
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		die("can't mount /dev: %m");
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL))
		die("can't mount /proc and /sys: %m");
}

static void load_modules(void)
{
	glob_t modules;
	size_t i;
	int fd;

	if (glob("/modules/*.ko", 0, NULL, &modules))
		return;
	for (i = 0; i < modules.gl_pathc; i++) {
		fd = open(modules.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die("%s: %m", modules.gl_pathv[i]);
		close(fd);
	}
	globfree(&modules);
}

static bool wait_for(const char *path)
{
	time_t deadline = time(NULL) + DEVICE_TIMEOUT;

	while (access(path, F_OK)) {
		if (time(NULL) > deadline)
			return false;
		usleep(10000);
	}
	return true;
}

static bool wanted(const char *name, const char *names)
{
	while (*names) {
		size_t length = strcspn(names, ",");

		if (length && !strncmp(name, names, length))
			return true;
		names += length;
		names += *names == ',';
	}
	return false;
}

static void measure(const struct bench *bench)
{
	size_t i;

	if (bench->device && !wait_for(bench->device)) {
		dprintf(marks, "@guest: %s: not there\n", bench->device);
		return;
	}
	if (bench->prepare)
		bench->prepare(bench);
	for (i = 0; i < ARRAY_SIZE(bench->counts); i++) {
		if (mark_begin(marks) || mark_wait(marks, other))
			die("no answer to a mark: %m");
		bench->run(bench, bench->counts[i]);
		if (mark_end(marks, bench->name, bench->counts[i]) || mark_wait(marks, other))
			die("no answer to a mark: %m");
	}
}

int main(void)
{
	static const struct benches *const all[] = {
		&register_benches, &disk_benches, &console_benches,
	};
	const char *names = parameter("bench");
	size_t i, k;

	mount_all();
	load_modules();
	marks = tty_open(MARKS);
	if (parameter("net")) {
		net_serve(parameter("net"));
		reboot(RB_POWER_OFF);
	}
	if (wait_for(OTHER))
		other = tty_open(OTHER);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (k = 0; k < all[i]->count; k++)
			if (wanted(all[i]->bench[k].name, names ?: ""))
				measure(&all[i]->bench[k]);
	reboot(RB_POWER_OFF);
	return 1;
}
