// SPDX-License-Identifier: GPL-2.0-only
#include "terminal/signals.h"
#include "base/error.h"
#include "util.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int taken[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

static int take(const sigset_t *set)
{
	int fd;

	if (sigprocmask(SIG_BLOCK, set, NULL))
		return fail_errno("can't block signals");
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail_errno("can't create a signalfd");
	return fd;
}

int signals_open(void)
{
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	for (unsigned int i = 0; i < ARRAY_SIZE(taken); i++)
		sigaddset(&set, taken[i]);
	/*
	 * What nohup ignores stays ignored; once blocked it would not be. Others are taken even so:
	 * shells ignore SIGINT and SIGQUIT for all that a script runs in the background, and who
	 * sends them there means the command.
	 */
	if (!sigaction(SIGHUP, NULL, &action) && action.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	return take(&set);
}

int signals_open_terminal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	return take(&set);
}

int signals_next(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}
