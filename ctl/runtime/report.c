// SPDX-License-Identifier: GPL-2.0-only
/* state, features and spec; and the list that callers of an OCI runtime read. */
#include "runtime/report.h"
#include "base/error.h"
#include "base/status.h"
#include "commands/command.h"
#include "control/part.h"
#include "oci/config.h"
#include "oci/field.h"
#include "runtime/crun.h"
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cmd_state(const struct command *command, int argc, char **argv)
{
	json_t *state;
	bool json;
	int result = command_parse(command, argc, argv, 1, 1, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = crun_take_over(argv[optind]);
	if (!result) {
		state = state_report(argv[optind]);
		result = state ? part_print_json(state, JSON_INDENT(2)) : -1;
	}
	return command_end(command, result, STATUS_FAILURE);
}

struct list {
	json_t *array;		/* NULL for lines */
	bool quiet;
};

static const char *text_of(const json_t *state, const char *key)
{
	return json_string_value(json_object_get(state, key)) ?: "";
}

static int add(const char *id, void *data)
{
	const struct list *list = data;
	const struct passwd *owner;
	json_t *state;

	state = state_is_crun(id) ? crun_state(id) : state_report(id);
	/* It was deleted meanwhile, or is yet to be. */
	if (!state)
		return 0;
	if (list->array)
		return json_array_append_new(list->array, state);
	owner = getpwuid(json_integer_value(json_object_get(state, "owner")));
	if (list->quiet)
		printf("%s\n", id);
	else
		printf("%-20s %-8lld %-9s %-40s %-30s %s\n", id,
		       json_integer_value(json_object_get(state, "pid")), text_of(state, "status"),
		       text_of(state, "bundle"), text_of(state, "created"),
		       owner ? owner->pw_name : "-");
	json_decref(state);
	return 0;
}

int report_list(bool json, bool quiet)
{
	struct list list = { json ? json_array() : NULL, quiet };

	if (!json && !quiet)
		printf("%-20s %-8s %-9s %-40s %-30s %s\n", "NAME", "PID", "STATUS", "BUNDLE PATH",
		       "CREATED", "OWNER");
	if (state_each(add, &list))
		return fail("no memory for the list");
	return json ? part_print_json(list.array, JSON_COMPACT) : 0;
}

static const char *const hooks[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	NULL
};

static const char *const mount_options[] = {
	"bind", "rbind", "ro", "rw", "nosuid", "nodev", "noexec", "private", "rprivate", "slave",
	"rslave", "size", NULL
};

static const char *const namespaces[] = {
	"cgroup", "ipc", "mount", "network", "pid", "user", "uts", NULL
};

/* https://github.com/opencontainers/runtime-spec/blob/main/features.md */
static json_t *make_features(void)
{
	json_t *linux_features = json_pack("{s:o, s:{s:b, s:b, s:b}, s:{s:b}, s:{s:b}, s:{s:b}}",
					   "namespaces", field_texts(namespaces),
					   "cgroup", "v1", 0, "v2", 1, "systemd", 1,
					   "seccomp", "enabled", 1, "apparmor", "enabled", 0,
					   "selinux", "enabled", 0);

	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "ociVersionMin", "1.0.0",
			 "ociVersionMax", CONFIG_OCI_VERSION, "hooks", field_texts(hooks),
			 "mountOptions", field_texts(mount_options), "linux", linux_features);
}

int cmd_features(const struct command *command, int argc, char **argv)
{
	bool json;
	int result = command_parse(command, argc, argv, 0, 0, &json);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	result = part_print_json(make_features(), JSON_INDENT(2));
	return command_end(command, result, STATUS_FAILURE);
}

static int write_spec(const char *path)
{
	/* Relative, as the bundle's root is. */
	json_t *config = config_make("/");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int result = 0;

	if (fd < 0)
		result = errno == EEXIST ? fail("%s: exists; remove it first", path) :
					   fail_errno("%s", path);
	else if (!config || field_set(config, "root.path", field_text("rootfs")) ||
		 field_set(json_object_get(config, "process"), "terminal", json_true()))
		result = -1;
	else if (json_dumpfd(config, fd, JSON_INDENT(4)))
		result = fail_errno("%s", path);
	if (fd >= 0)
		close(fd);
	json_decref(config);
	return result;
}

/* Returns 0, COMMAND_HELP, or -1 with an error. */
static int parse_spec(const struct command *command, int argc, char **argv, const char **file)
{
	static const struct option known[] = {
		{ "bundle", required_argument, NULL, 'b' },
		{ "file", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "b:f:", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == 'f')
			*file = optarg;
		else if (option != 'b')
			return command_bad_option(command, argv);
		else if (chdir(optarg))
			return fail_errno("--bundle: %s", optarg);
	}
	return command_check_arguments(command, argc, 0, 0);
}

int cmd_spec(const struct command *command, int argc, char **argv)
{
	const char *file = "config.json";
	int result = parse_spec(command, argc, argv, &file);

	if (result)
		return command_end(command, result, STATUS_USAGE);
	return command_end(command, write_spec(file), STATUS_FAILURE);
}
