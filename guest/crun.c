// SPDX-License-Identifier: GPL-2.0-only
/* Runs crun. Its errors go to a file of its own, since the container has its standard streams. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX	20

static const int signals_max = 64;

static noreturn void execute(const struct crun *crun, const char *const *args, const int stdio[3])
{
	char root[PATH_MAX], log[PATH_MAX + sizeof(crun->log)];
	const char *argv[ARGS_MAX] = { "crun", "--root", root, "--log", log };
	sigset_t none;
	int n = 5;

	/*
	 * Below the agent's directory, since that isn't any other container's; and absolute, since
	 * crun goes to another.
	 */
	if (!getcwd(root, sizeof(root) - sizeof("/crun")))
		_exit(1);
	snprintf(log, sizeof(log), "%s/%s", root, crun->log);
	strcat(root, "/crun");
	while (n < ARGS_MAX - 1 && *args)
		argv[n++] = *args++;
	for (int signal_number = 1; signal_number <= signals_max; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	for (int i = 0; i < 3; i++) {
		int fd = stdio[i] >= 0 ? stdio[i] : open("/dev/null", O_RDWR);

		/* Those of @stdio are all beyond standard error. */
		if (fd < 0 || dup2(fd, i) < 0)
			_exit(1);
	}
	execv("/usr/bin/crun", (char *const *)argv);
	dprintf(STDERR_FILENO, "crun: %s\n", strerror(errno));
	_exit(1);
}

int crun_start(struct crun *crun, const char *const *args, const int stdio[3])
{
	static unsigned int runs;
	pid_t pid;

	snprintf(crun->log, sizeof(crun->log), "log.%u", runs++);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		/* What PID 1 is spared from, the container isn't. */
		if (getppid() == 1)
			set_oom_score("0");
		execute(crun, args, stdio);
	}
	crun->pid = pid;
	return 0;
}

/* The last line, which says most. */
static void read_log(const char *path, char *text, size_t room)
{
	FILE *file = fopen(path, "re");
	char line[512];

	text[0] = 0;
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0])
			snprintf(text, room, "%s", line);
	}
	if (file)
		fclose(file);
}

enum reply_code crun_end(struct crun *crun, int status, char text[512])
{
	crun->pid = 0;
	read_log(crun->log, text, 512);
	unlink(crun->log);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return REPLY_DONE;
	if (!text[0] && WIFEXITED(status))
		snprintf(text, 512, "crun failed with status %d", WEXITSTATUS(status));
	else if (!text[0])
		snprintf(text, 512, "crun was killed by signal %d", WTERMSIG(status));
	/* crun has one exit status for all of it. */
	if (strstr(text, "executable file"))
		return REPLY_NOT_FOUND;
	if (strstr(text, "open executable"))
		return REPLY_CANNOT_EXECUTE;
	return REPLY_FAILED;
}
