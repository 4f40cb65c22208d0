// SPDX-License-Identifier: GPL-2.0-only
/* update: other limits for a container that is there. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/status.h"
#include "client/client.h"
#include "commands/command.h"
#include "oci/field.h"
#include "runtime/crun.h"
#include "runtime/state.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Options, and what of "linux.resources" they set. */
static const struct {
	struct option option;
	const char *path;
} settings[] = {
	{ { "blkio-weight", required_argument, NULL, 0 }, "blockIO.weight" },
	{ { "cpu-period", required_argument, NULL, 1 }, "cpu.period" },
	{ { "cpu-quota", required_argument, NULL, 2 }, "cpu.quota" },
	{ { "cpu-share", required_argument, NULL, 3 }, "cpu.shares" },
	{ { "cpuset-cpus", required_argument, NULL, 4 }, "cpu.cpus" },
	{ { "cpuset-mems", required_argument, NULL, 5 }, "cpu.mems" },
	{ { "memory", required_argument, NULL, 6 }, "memory.limit" },
	{ { "memory-reservation", required_argument, NULL, 7 }, "memory.reservation" },
	{ { "memory-swap", required_argument, NULL, 8 }, "memory.swap" },
	{ { "pids-limit", required_argument, NULL, 9 }, "pids.limit" },
};

static int set_number(json_t *resources, size_t i, const char *text)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (!*text || *end || errno)
		return fail("--%s: %s: not a number", settings[i].option.name, text);
	return field_set(resources, settings[i].path, json_integer(number));
}

static int set(json_t *resources, size_t i, const char *text)
{
	if (strncmp(settings[i].option.name, "cpuset", strlen("cpuset")))
		return set_number(resources, i, text);
	return field_set(resources, settings[i].path, field_text(text));
}

/* "-" is standard input. */
static json_t *read_file(const char *path)
{
	json_error_t error;
	json_t *resources = strcmp(path, "-") ?
			    json_load_file(path, JSON_REJECT_DUPLICATES, &error) :
			    json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(resources))
		return resources;
	if (resources)
		fail("--resources: %s: not an object", path);
	else
		fail("--resources: %s: %s", path, error.text);
	json_decref(resources);
	return NULL;
}

static int ask(const char *id, const json_t *resources)
{
	void *answer cleanup_free = NULL;
	char *text cleanup_free = json_dumps(resources, JSON_COMPACT);
	int socket cleanup_close = -1;
	size_t length;

	if (!state_exists(id))
		return -1;
	if (!text)
		return fail("no memory for the resources");
	socket = client_connect_named(id);
	if (socket < 0)
		return fail("container not running");
	answer = client_ask(socket, FRAME_UPDATE, text, strlen(text), &length);
	return answer ? 0 : -1;
}

/* What the command line says, as it says it. */
struct update {
	const char *file;
	const char *values[ARRAY_SIZE(settings)];
};

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse(const struct command *command, int argc, char **argv, struct update *update)
{
	struct option known[ARRAY_SIZE(settings) + 3] = {
		{ "help", no_argument, NULL, 'h' },
		{ "resources", required_argument, NULL, 'r' },
	};
	int option;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		known[2 + i] = settings[i].option;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "r:", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == '?')
			return command_bad_option(command, argv);
		if (option == 'r')
			update->file = optarg;
		else
			update->values[option] = optarg;
	}
	return command_check_arguments(command, argc, 1, 1);
}

static int apply(const struct update *update, const char *id)
{
	json_t *resources = update->file ? read_file(update->file) : json_object();
	int result = resources ? 0 : -1;

	for (size_t i = 0; !result && i < ARRAY_SIZE(settings); i++)
		if (update->values[i])
			result = set(resources, i, update->values[i]);
	result = result ?: ask(id, resources);
	json_decref(resources);
	return result;
}

int cmd_update(const struct command *command, int argc, char **argv)
{
	struct update update = { 0 };
	int result = parse(command, argc, argv, &update);

	/* crun reads the file itself, which may be standard input. */
	if (!result)
		result = crun_take_over(argv[optind]) ?: apply(&update, argv[optind]);
	return command_end(command, result, STATUS_FAILURE);
}
