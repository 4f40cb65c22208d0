// SPDX-License-Identifier: GPL-2.0-only
/* The agent on the host, as a child of the runner, for a container in process isolation. */
#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the agent's working directory, which the runner has made for this container alone. */
#define SOCKET		"agent"

static struct place place;

static int connect_unix(void)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = SOCKET };

	return connect_to((const struct sockaddr *)&addr, sizeof(addr));
}

static bool never_pressed(int button)
{
	(void)button;
	return false;
}

/* No machine ends with the agent: what is left of the container has to be removed. */
static noreturn void delete_container(int status)
{
	static const int nowhere[3] = { -1, -1, -1 };
	const char *const args[] = { "delete", "--force", place.container, NULL };
	struct crun crun;
	char text[512];
	int child;

	(void)status;
	if (!crun_start(&crun, args, nowhere) && waitpid(crun.pid, &child, 0) == crun.pid)
		crun_end(&crun, child, text);
	exit(0);
}

const struct place *host_enter(const char *container)
{
	place = (struct place){
		.container = container,
		.connect = connect_unix,
		.button = -1,
		.button_pressed = never_pressed,
		.end = delete_container,
	};
	/* crun's orphans are to be children of this process. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return &place;
}
