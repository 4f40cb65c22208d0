// SPDX-License-Identifier: GPL-2.0-only
#include "oci/hooks.h"
#include "oci/config.h"
#include "oci/field.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TIMEOUT_MAX	(INT_MAX / 1000)

/* Texts are the config's or the state's, but for the lists themselves. */
struct hook {
	const char *path;
	const char *directory;
	const char **args;
	const char **env;	/* NULL for ours */
	json_int_t timeout;	/* seconds; 0 is none */
	int state;		/* a file to read */
};

json_t *hooks_state(const char *id, const char *bundle, const char *status, int pid)
{
	json_t *state = json_pack("{s:s, s:s, s:s, s:i, s:s}", "ociVersion", CONFIG_OCI_VERSION,
				  "id", id, "status", status, "pid", pid, "bundle", bundle);

	if (!state)
		fail("no memory for the state that hooks read");
	return state;
}

/*
 * Returns a list, which is ended by NULL and to be freed, or NULL without memory. It has @first
 * alone if the array is empty.
 */
static const char **list_texts(const json_t *array, const char *first)
{
	const char **list = calloc(json_array_size(array) + 2, sizeof(*list));

	if (list)
		list[0] = first;

	for (size_t i = 0; list && i < json_array_size(array); i++)
		list[i] = json_string_value(json_array_get(array, i));
	return list;
}

static int parse_hook(const json_t *json, struct hook *hook)
{
	json_t *args, *env;

	if (!json_is_object(json))
		return fail("not an object");
	if (field_find_text(json, "path", &hook->path) || field_find_strings(json, "args", &args) ||
	    field_find_strings(json, "env", &env) ||
	    field_find_integer(json, "timeout", 1, TIMEOUT_MAX, &hook->timeout))
		return -1;
	if (!hook->path || hook->path[0] != '/')
		return fail("path: not an absolute path");
	hook->args = list_texts(args, hook->path);
	if (env)
		hook->env = list_texts(env, NULL);
	if (!hook->args || (env && !hook->env))
		return fail("out of memory");
	return 0;
}

/* A file, not a pipe: nothing waits for a hook that doesn't read it. */
static int open_state(const json_t *state)
{
	char *text cleanup_free = json_dumps(state, JSON_COMPACT);
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (!text || fd < 0) {
		if (fd >= 0)
			close(fd);
		return fail("can't make the state: out of memory");
	}
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !lseek(fd, 0, SEEK_SET))
		return fd;
	fail_errno("can't make the state");
	close(fd);
	return -1;
}

/* In the child, where other threads' locks may be held for ever: system calls alone. */
static void exec_hook(const struct hook *hook)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(hook->state, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || (hook->directory && chdir(hook->directory)))
		_exit(STATUS_CANNOT_EXECUTE);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	execve(hook->path, (char *const *)hook->args, hook->env ? (char *const *)hook->env :
	       environ);
	_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE);
}

static int check_status(int status)
{
	if (WIFSIGNALED(status))
		return fail("killed by signal %d", WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case 0:
		return 0;
	case STATUS_NOT_FOUND:
		return fail("exit status %d; is there such a program?", STATUS_NOT_FOUND);
	default:
		return fail("exit status %d; run it by hand to see why", WEXITSTATUS(status));
	}
}

static int run_hook(const struct hook *hook)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return fail_errno("can't start it");
	if (!child)
		exec_hook(hook);
	status = child_wait(child, hook->timeout);
	return status < 0 ? -1 : check_status(status);
}

static int run_one(const json_t *json, const json_t *state)
{
	struct hook hook = { .state = -1 };
	int result = parse_hook(json, &hook);

	if (!result)
		result = field_find_text(state, "bundle", &hook.directory);
	if (!result) {
		hook.state = open_state(state);
		result = hook.state < 0 ? -1 : run_hook(&hook);
	}
	if (result && hook.path)
		error_prefix("%s", hook.path);
	if (hook.state >= 0)
		close(hook.state);
	free(hook.args);
	free(hook.env);
	return result;
}

int hooks_run(const json_t *config, const char *which, const json_t *state)
{
	char *path cleanup_free = NULL;
	bool goes_on = !strcmp(which, "poststop");
	json_t *hooks, *hook;
	size_t i;

	if (asprintf(&path, "hooks.%s", which) < 0) {
		path = NULL;
		return fail("hooks.%s: out of memory", which);
	}
	if (field_find(config, path, JSON_ARRAY, &hooks))
		return -1;
	json_array_foreach(hooks, i, hook) {
		if (!run_one(hook, state))
			continue;
		error_prefix("%s[%zu]", path, i);
		if (!goes_on)
			return -1;
		warn("%s", error_text());
	}
	return 0;
}
