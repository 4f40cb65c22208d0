// SPDX-License-Identifier: GPL-2.0-only
/* https://www.cni.dev/docs/spec/, sections 2, 3 and 5 */
#include "net/cni.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/status.h"
#include "oci/field.h"
#include "util.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define OUTPUT_MAX	(1024 * 1024)
#define ERROR_TEXT	512
#define TIME_MAX	60	/* seconds that a plugin may take */

/* Debian's, and that of plugins which are no package. */
static const char *const directories[] = { "/usr/lib/cni", "/opt/cni/bin" };

/* The environment of a plugin; the texts are others'. */
struct call {
	const char *command;
	const char *id;
	const char *path;
};

json_t *cni_make(const char *id, json_t *list, json_t *ports)
{
	json_t *connection = json_pack("{s:s, s:O, s:O}", "id", id, "list", list, "ports", ports);

	if (!connection)
		fail("out of memory");
	return connection;
}

static int find_plugin(const char *type, char path[PATH_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(path, PATH_MAX, "%s/%s", directories[i], type);
		if (!access(path, X_OK))
			return 0;
	}
	return fail("%s: no such CNI plugin in %s or %s; install containernetworking-plugins", type,
		    directories[0], directories[1]);
}

/* What it prints may be for a terminal, in several lines. */
static void copy_line(char text[ERROR_TEXT], const char *from)
{
	size_t length = 0;

	for (; from && *from && length < ERROR_TEXT - 1; from++) {
		bool blank = isspace((unsigned char)*from);

		if (!iscntrl((unsigned char)*from) || blank)
			text[length++] = blank ? ' ' : *from;
	}
	while (length && text[length - 1] == ' ')
		length--;
	text[length] = 0;
}

int cni_fail(const char *plugin, const json_t *error)
{
	char message[ERROR_TEXT], details[ERROR_TEXT];

	copy_line(message, json_string_value(json_object_get(error, "msg")));
	copy_line(details, json_string_value(json_object_get(error, "details")));
	if (!message[0])
		return fail("CNI plugin %s failed, and said nothing of it that is CNI's", plugin);
	return fail("CNI plugin %s: %s%s%s", plugin, message, details[0] ? ": " : "", details);
}

static int check_ip(const json_t *ip)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN + 4];
	const char *own;
	char *slash;

	if (!json_is_object(ip))
		return fail("not an object");
	if (field_find_text(ip, "address", &own))
		return -1;
	if (!own || snprintf(text, sizeof(text), "%s", own) >= (int)sizeof(text))
		return fail("address: missing, or too long");
	slash = strchr(text, '/');
	if (!slash)
		return fail("address: %s: no prefix", own);
	*slash = 0;
	if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
		return 0;
	return fail("address: %s: malformed", own);
}

/* Each is a line, or a word, of a file that the container gets. */
static int check_dns(const json_t *result)
{
	static const char *const lists[] = { "dns.nameservers", "dns.search", "dns.options" };
	json_t *array, *text;
	const char *domain;
	size_t i, j;

	if (field_find_text(result, "dns.domain", &domain))
		return -1;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		if (field_find_strings(result, lists[i], &array))
			return -1;
		json_array_foreach(array, j, text)
			if (strpbrk(json_string_value(text), " \t\n"))
				return fail("%s[%zu]: more than a word", lists[i], j);
	}
	return domain && strpbrk(domain, " \t\n") ? fail("dns.domain: more than a word") : 0;
}

int cni_check_result(const json_t *result)
{
	json_t *ips, *ip;
	size_t i;

	if (!json_is_object(result))
		return fail("not an object");
	if (field_find(result, "ips", JSON_ARRAY, &ips) || check_dns(result))
		return -1;
	json_array_foreach(ips, i, ip)
		if (check_ip(ip))
			return error_prefix("ips[%zu]", i);
	return 0;
}

/* In the child. Files serve as input and output, so that nothing waits for who doesn't read. */
static void execute(const char *path, char *const *env, int input, int output)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char *const args[] = { (char *)path, NULL };
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		_exit(STATUS_CANNOT_EXECUTE);
	execve(path, args, env);
	_exit(STATUS_CANNOT_EXECUTE);
}

static char **make_env(const struct call *call)
{
	char **env = calloc(7, sizeof(*env));

	if (env && asprintf(&env[0], "CNI_COMMAND=%s", call->command) > 0 &&
	    asprintf(&env[1], "CNI_CONTAINERID=%s", call->id) > 0 &&
	    asprintf(&env[2], "CNI_NETNS=%s", call->path ?: "") > 0 &&
	    asprintf(&env[3], "CNI_PATH=%s:%s", directories[0], directories[1]) > 0) {
		env[4] = "CNI_IFNAME=" CNI_INTERFACE;
		env[5] = "PATH=" PATH;
		return env;
	}
	fail("out of memory");
	return NULL;
}

static void free_env(char **env)
{
	for (int i = 0; env && i < 4; i++)
		free(env[i]);
	free(env);
}

static int run_program(const char *path, const struct call *call, int input, int output,
		       int seconds)
{
	char **env = make_env(call);
	pid_t child;

	if (!env)
		return -1;
	child = fork();
	if (child < 0)
		fail_errno("can't start it");
	if (!child)
		execute(path, env, input, output);
	free_env(env);
	return child < 0 ? -1 : child_wait(child, seconds);
}

static int open_file(const char *text)
{
	int fd = memfd_create("cni", MFD_CLOEXEC);
	size_t length = strlen(text);

	if (fd >= 0 && (write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET))) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? fail_errno("CNI plugins' input") : fd;
}

/* Returns a new value, or NULL with an error. */
static json_t *read_output(int fd, const char *plugin)
{
	char *text cleanup_free = malloc(OUTPUT_MAX);
	ssize_t length = text ? file_read(fd, text, OUTPUT_MAX, 0) : -1;
	json_t *json = NULL;

	if (length >= 0 && length < OUTPUT_MAX)
		json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		fail("CNI plugin %s: malformed result", plugin);
	return json;
}

/* @result is the new result's place, or NULL for a command that has none. */
static int exchange(const char *type, const struct call *call, int input, int output,
		    json_t **result)
{
	char path[PATH_MAX];
	json_t *json;
	int status;

	if (find_plugin(type, path))
		return -1;
	status = run_program(path, call, input, output, TIME_MAX);
	if (status < 0)
		return error_prefix("CNI plugin %s", type);
	if (!status && !result)
		return 0;
	json = read_output(output, type);
	if (status) {
		cni_fail(type, json);
	} else if (json && !cni_check_result(json)) {
		*result = json;
		return 0;
	} else if (json) {
		error_prefix("CNI plugin %s: its result", type);
	}
	json_decref(json);
	return -1;
}

static int run_plugin(const json_t *config, const struct call *call, json_t **result)
{
	const char *type = json_string_value(json_object_get(config, "type"));
	char *text = json_dumps(config, JSON_COMPACT);
	int input = text ? open_file(text) : fail("out of memory");
	int output = open_file("");
	int failed = -1;

	if (input >= 0 && output >= 0)
		failed = exchange(type, call, input, output, result);
	close(input);
	close(output);
	free(text);
	return failed;
}

/* That of one plugin, as it gets it. Returns a new object, or NULL with an error. */
static json_t *make_config(const json_t *connection, size_t i)
{
	json_t *list = json_object_get(connection, "list");
	json_t *plugin = json_array_get(json_object_get(list, "plugins"), i);
	json_t *config = json_deep_copy(plugin);
	json_t *capabilities = json_object_get(config, "capabilities");
	json_t *ports = json_object_get(connection, "ports");
	json_t *result = json_object_get(connection, "result");

	if (config && !json_object_set(config, "name", json_object_get(list, "name")) &&
	    !json_object_set(config, "cniVersion", json_object_get(list, "cniVersion")) &&
	    (!result || !json_object_set(config, "prevResult", result)) &&
	    (!json_array_size(ports) ||
	     !json_is_true(json_object_get(capabilities, "portMappings")) ||
	     !json_object_set_new(config, "runtimeConfig",
				  json_pack("{s:O}", "portMappings", ports))))
		return config;
	json_decref(config);
	fail("out of memory");
	return NULL;
}

static size_t count_plugins(const json_t *connection)
{
	return json_array_size(json_object_get(json_object_get(connection, "list"), "plugins"));
}

static int run_one(const json_t *connection, size_t i, const char *command, const char *path,
		   json_t **result)
{
	const struct call call = {
		.command = command,
		.id = json_string_value(json_object_get(connection, "id")),
		.path = path,
	};
	json_t *config = make_config(connection, i);
	int failed = config ? run_plugin(config, &call, result) : -1;

	json_decref(config);
	return failed;
}

/* One that is missing is no reason to begin. */
static int find_plugins(const json_t *list)
{
	char path[PATH_MAX];
	json_t *plugin;
	size_t i;

	json_array_foreach(json_object_get(list, "plugins"), i, plugin)
		if (find_plugin(json_string_value(json_object_get(plugin, "type")), path))
			return -1;
	return 0;
}

int cni_add(json_t *connection, const char *path, cni_keep keep, void *data)
{
	if (find_plugins(json_object_get(connection, "list")) || keep(connection, data))
		return -1;
	for (size_t i = 0; i < count_plugins(connection); i++) {
		json_t *result;

		if (run_one(connection, i, "ADD", path, &result))
			return -1;
		if (json_object_set_new(connection, "result", result))
			return fail("out of memory");
		if (keep(connection, data))
			return -1;
	}
	return 0;
}

void cni_delete(const json_t *connection, const char *path)
{
	/* One that fails keeps nobody else from giving back what they have. */
	for (size_t i = count_plugins(connection); i-- > 0;)
		if (run_one(connection, i, "DEL", path, NULL))
			warn("%s", error_text());
}
