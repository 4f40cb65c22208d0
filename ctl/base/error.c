// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ERROR_MAX	1024

static __thread char error[ERROR_MAX];
static const char *command_name;
static FILE *log_file;
static bool log_json;

/* The arguments may be, or have in them, the text of the last error. */
static void keep(const char *format, va_list args, const char *reason)
{
	char text[ERROR_MAX];
	size_t length;

	vsnprintf(text, sizeof(text), format, args);
	length = strlen(text);
	if (reason)
		snprintf(text + length, sizeof(text) - length, ": %s", reason);
	memcpy(error, text, sizeof(error));
}

int fail(const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	keep(format, args, NULL);
	va_end(args);
	errno = saved;
	return -1;
}

int fail_errno(const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	keep(format, args, strerror(saved));
	va_end(args);
	errno = saved;
	return -1;
}

int error_prefix(const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	keep(format, args, error);
	va_end(args);
	errno = saved;
	return -1;
}

const char *error_text(void)
{
	return error;
}

void error_set_command(const char *name)
{
	command_name = name;
}

static void print(const char *text)
{
	if (command_name)
		fprintf(stderr, "bulkhead: %s: %s\n", command_name, text);
	else
		fprintf(stderr, "bulkhead: %s\n", text);
}

int error_log_to(const char *path, bool json)
{
	log_file = fopen(path, "ae");
	log_json = json;
	return log_file ? 0 : fail_errno("--log: %s", path);
}

/* As logrus has it, which callers parse. */
static void print_json(const char *text)
{
	char now[sizeof("2026-01-01T00:00:00Z") + 16];
	time_t seconds = time(NULL);
	struct tm utc;
	json_t *line;

	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	line = json_pack("{s:s, s:s, s:s}", "msg", text, "level", "error", "time", now);
	json_dumpf(line, log_file, JSON_COMPACT);
	json_decref(line);
	fputc('\n', log_file);
}

void error_print(void)
{
	/* Callers read either; runc, too, writes to both. */
	print(error);
	if (!log_file)
		return;
	if (log_json)
		print_json(error);
	else
		fprintf(log_file, "%s\n", error);
	fflush(log_file);
}

void warn(const char *format, ...)
{
	char text[ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print(text);
}
