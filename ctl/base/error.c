// SPDX-License-Identifier: GPL-2.0-only
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERROR_MAX	1024

static __thread char error[ERROR_MAX];
static const char *command_name;

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

void error_print(void)
{
	print(error);
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
