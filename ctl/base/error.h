/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors. A function that fails says why by fail(), which keeps the text and returns -1; its caller
 * returns -1 too, after error_prefix() if it knows more. The command's end prints the text once, as
 * "bulkhead: COMMAND: TEXT". Each thread has an error of its own.
 */
#ifndef BULKHEAD_ERROR_H
#define BULKHEAD_ERROR_H

#include <stdbool.h>

#include "util.h"

/* Keep the text of an error, the second one followed by what errno says. Return -1; errno stays. */
__printf(1, 2) int fail(const char *format, ...);
__printf(1, 2) int fail_errno(const char *format, ...);

/* Puts text and ": " before that of the error. Returns -1; errno stays. */
__printf(1, 2) int error_prefix(const char *format, ...);

/* The text of the last error. */
const char *error_text(void);

/*
 * What error_print() prints goes to this file, too, from now on, as text or as JSON, of which each
 * line is an object. Returns 0, or -1 with an error.
 */
int error_log_to(const char *path, bool json);

/* The command that error_print() and warn() name. */
void error_set_command(const char *name);

/* Prints the text of the last error to stderr. */
void error_print(void);

/* Prints a text that ends nothing to stderr. */
__printf(1, 2) void warn(const char *format, ...);

#endif
