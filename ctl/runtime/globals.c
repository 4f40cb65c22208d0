// SPDX-License-Identifier: GPL-2.0-only
#include "runtime/globals.h"
#include "base/error.h"
#include "runtime/isolation.h"

#include <getopt.h>
#include <string.h>

#define ROOT	"/run/bulkhead-oci"

/* A link of this name makes a runtime for those who can't say more than a program. */
#define PROCESS_NAME	"bulkhead-process"

struct globals globals = { .root = ROOT };

enum { ROOT_OPTION, LOG, LOG_FORMAT, SYSTEMD, MANAGER, ISOLATION, ROOTLESS, DEBUG };

static const struct option known[] = {
	{ "root", required_argument, NULL, ROOT_OPTION },
	{ "log", required_argument, NULL, LOG },
	{ "log-format", required_argument, NULL, LOG_FORMAT },
	{ "systemd-cgroup", no_argument, NULL, SYSTEMD },
	{ "cgroup-manager", required_argument, NULL, MANAGER },
	{ "isolation", required_argument, NULL, ISOLATION },
	{ "rootless", required_argument, NULL, ROOTLESS },
	{ "debug", no_argument, NULL, DEBUG },
	{ "version", no_argument, NULL, 'v' },
	{ }
};

static int set_log_format(const char *format)
{
	if (strcmp(format, "json") && strcmp(format, "text"))
		return fail("--log-format: %s: neither text nor json", format);
	globals.log_json = !strcmp(format, "json");
	return 0;
}

static int set_manager(const char *manager)
{
	if (strcmp(manager, "systemd") && strcmp(manager, "cgroupfs"))
		return fail("--cgroup-manager: %s: neither cgroupfs nor systemd", manager);
	globals.systemd_cgroup = !strcmp(manager, "systemd");
	return 0;
}

static int set(int option, const char *value)
{
	switch (option) {
	case ROOT_OPTION:
		globals.root = value;
		globals.has_root = true;
		return *value == '/' ? 0 : fail("--root: %s: not an absolute path", value);
	case LOG:
		globals.log = value;
		return 0;
	case LOG_FORMAT:
		return set_log_format(value);
	case SYSTEMD:
		globals.systemd_cgroup = true;
		return 0;
	case MANAGER:
		return set_manager(value);
	case ISOLATION:
		globals.isolation = value;
		return isolation_check(value) ? error_prefix("--isolation") : 0;
	case 'v':
		globals.version = true;
		return 0;
	default:
		/* It makes no difference here. */
		return 0;
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int globals_parse(int argc, char **argv)
{
	int option;

	if (!strcmp(base_name(argv[0]), PROCESS_NAME))
		globals.isolation = "process";
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+v", known, NULL)) != -1) {
		if (option == '?')
			return fail("%s: %s; see bulkhead help", argv[optind - 1],
				    optopt ? "its argument is missing, or it takes none" :
					     "no such option");
		if (set(option, optarg))
			return -1;
	}
	globals.argv = argv + optind;
	option = optind;
	/* The command has options of its own. */
	optind = 0;
	return option;
}
