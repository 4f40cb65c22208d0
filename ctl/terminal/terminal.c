// SPDX-License-Identifier: GPL-2.0-only
#include "terminal/terminal.h"
#include "base/error.h"
#include "terminal/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* What a process in the background does to its terminal would stop it. */
static bool in_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void set_raw(struct terminal *terminal)
{
	struct termios raw;

	/* Raw before, it is to be again; the modes to go back to are the same. */
	if (!in_foreground() || (!terminal->raw && tcgetattr(STDIN_FILENO, &terminal->old)))
		return;
	raw = terminal->old;
	cfmakeraw(&raw);
	terminal->raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void restore(struct terminal *terminal)
{
	/* If somebody else has it now, it is as they want it. */
	if (terminal->raw && in_foreground())
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->old);
	terminal->raw = false;
}

int terminal_open(struct terminal *terminal)
{
	*terminal = (struct terminal){ .signals = -1 };
	if (!isatty(STDIN_FILENO))
		return 0;
	terminal->signals = signals_open_terminal();
	if (terminal->signals < 0)
		return -1;
	/* Output that nobody reads has to be an error, or the terminal stays raw. */
	signal(SIGPIPE, SIG_IGN);
	set_raw(terminal);
	return 0;
}

void terminal_close(struct terminal *terminal)
{
	restore(terminal);
	if (terminal->signals >= 0)
		close(terminal->signals);
	terminal->signals = -1;
}

bool terminal_signal(struct terminal *terminal)
{
	switch (signals_next(terminal->signals)) {
	case SIGTSTP:
		restore(terminal);
		raise(SIGSTOP);
		return false;
	case SIGCONT:
		/* The shell has set the terminal as it likes it. */
		set_raw(terminal);
		return true;
	case SIGWINCH:
		return true;
	default:
		return false;
	}
}

int terminal_open_output(void)
{
	return isatty(STDOUT_FILENO) ?
		open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
}

bool terminal_size(struct winsize *size)
{
	return isatty(STDIN_FILENO) && !ioctl(STDIN_FILENO, TIOCGWINSZ, size);
}
