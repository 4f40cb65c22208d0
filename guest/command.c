// SPDX-License-Identifier: GPL-2.0-only
/* Starts the command that the partition is there for. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *find_path(char **envp)
{
	for (; *envp; envp++)
		if (!strncmp(*envp, "PATH=", 5))
			return *envp + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/*
 * execvp() with the PATH of @envp, and without its fall-back to a shell. Returns only on failure,
 * with the negative errno that says most: that a file can't be executed, rather than that there is
 * none.
 */
static int search_and_execute(char **argv, char **envp)
{
	const char *dir = find_path(envp);
	char path[PATH_MAX];
	int error = -ENOENT;

	if (!argv[0][0])
		return -ENOENT;
	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, envp);
		return -errno;
	}
	for (;;) {
		size_t length = strcspn(dir, ":");
		int n = snprintf(path, sizeof(path), "%.*s/%s", (int)length,
				 length ? dir : ".", argv[0]);

		if (n > 0 && (size_t)n < sizeof(path)) {
			execve(path, argv, envp);
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				return -errno;
			if (errno == EACCES)
				error = -EACCES;
		}
		if (!dir[length])
			return error;
		dir += length + 1;
	}
}

/* Leaves the command as little of the agent as a fresh container has. */
static void run_child(char **argv, char **envp, int in, int out, int err, int status_pipe)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0 || chdir("/"))
		error = -errno;
	else
		error = search_and_execute(argv, envp);
	if (write(status_pipe, &error, sizeof(error)) != sizeof(error))
		_exit(126);
	_exit(127);
}

static void close_all(int (*pipes)[2], int n)
{
	for (int i = 0; i < n; i++) {
		if (pipes[i][0] >= 0)
			close(pipes[i][0]);
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
	}
}

int command_start(struct command *command, char **argv, char **envp)
{
	enum { IN, OUT, ERR, STATUS, N_PIPES };
	int pipes[N_PIPES][2];
	int error = 0;
	pid_t pid;

	memset(pipes, -1, sizeof(pipes));
	for (int i = 0; i < N_PIPES; i++) {
		if (pipe2(pipes[i], O_CLOEXEC)) {
			error = -errno;
			goto out;
		}
	}
	pid = fork();
	if (pid < 0) {
		error = -errno;
		goto out;
	}
	if (!pid)
		run_child(argv, envp, pipes[IN][0], pipes[OUT][1], pipes[ERR][1],
			  pipes[STATUS][1]);

	/* The pipe closes without a word when the command is executed. */
	close(pipes[STATUS][1]);
	pipes[STATUS][1] = -1;
	if (read(pipes[STATUS][0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	if (error)
		goto out;
	command->pid = pid;
	command->in = pipes[IN][1];
	command->out = pipes[OUT][0];
	command->err = pipes[ERR][0];
	pipes[IN][1] = -1;
	pipes[OUT][0] = -1;
	pipes[ERR][0] = -1;
	/* Only the agent's ends: the command gets pipes as any other process does. */
	fcntl(command->in, F_SETFL, O_NONBLOCK);
	fcntl(command->out, F_SETFL, O_NONBLOCK);
	fcntl(command->err, F_SETFL, O_NONBLOCK);
out:
	close_all(pipes, N_PIPES);
	return error;
}
