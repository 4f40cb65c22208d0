// SPDX-License-Identifier: GPL-2.0-only
/* Configs: what is read, made, and changed by options. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/oci/config.c"
#include "../ctl/oci/default.c"
#include "../ctl/oci/field.c"
#include "../ctl/oci/limits.c"
#include "../ctl/oci/mount.c"
#include "../ctl/oci/process.c"
#include "../ctl/oci/user.c"
#include "../ctl/oci/volume.c"
#include "unit_json.h"

#include <ftw.h>

/* As "crun spec" writes it, shortened; tests replace fields of it. */
static const char spec[] =
	"{'ociVersion': '1.0.0',\n"
	" 'process': {'terminal': true, 'user': {'uid': 0, 'gid': 0},\n"
	"  'args': ['sh'], 'env': ['PATH=/usr/bin:/bin', 'TERM=xterm'], 'cwd': '/',\n"
	"  'capabilities': {'bounding': ['CAP_KILL']},\n"
	"  'rlimits': [{'type': 'RLIMIT_NOFILE', 'hard': 1024, 'soft': 1024}],\n"
	"  'noNewPrivileges': true},\n"
	" 'root': {'path': 'rootfs', 'readonly': true}, 'hostname': 'crun',\n"
	" 'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'}],\n"
	" 'linux': {'resources': {'devices': [{'allow': false, 'access': 'rwm'}]},\n"
	"  'namespaces': [{'type': 'pid'}], 'maskedPaths': ['/proc/kcore']}}";

FIXTURE(bundle) {
	char dir[32];
	char root[64];
};

static void write_file(const char *dir, const char *name, const char *text)
{
	cleanup_free char *path = NULL;
	FILE *file;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

/* The spec with a field set, or deleted if @value is NULL, written as the bundle's config. */
static void write_changed(const char *dir, const char *path, const char *value)
{
	json_t *config = parse(spec);
	cleanup_free char *text = NULL;

	if (!value)
		field_delete(config, path);
	else if (field_set(config, path, parse(value)))
		abort();
	text = json_dumps(config, 0);
	write_file(dir, "config.json", text);
	json_decref(config);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

FIXTURE_SETUP(bundle)
{
	strcpy(self->dir, "/tmp/unit_oci.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->root, sizeof(self->root), "%s/rootfs", self->dir);
	ASSERT_EQ(0, mkdir(self->root, 0700));
	write_changed(self->dir, "none", NULL);
}

FIXTURE_TEARDOWN(bundle)
{
	nftw(self->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Whether the field is what JSON says. Without @text it must be missing. */
static bool is_field(const json_t *config, const char *path, const char *text)
{
	json_t *value = NULL, *wanted;
	bool is_equal;

	for (int type = JSON_OBJECT; type <= JSON_TRUE && !value; type++)
		if (type != JSON_REAL && field_find(config, path, type, &value))
			value = NULL;
	if (!text || !value)
		return !text && !value;
	wanted = parse(text);
	is_equal = json_equal(value, wanted);
	json_decref(wanted);
	return is_equal;
}

static void expect_field(struct __test_metadata *_metadata, const json_t *config, const char *path,
			 const char *text)
{
	EXPECT_TRUE(is_field(config, path, text)) {
		TH_LOG("%s is not %s", path, text ?: "missing");
	}
}

#define EXPECT_FIELD(config, path, text)	expect_field(_metadata, config, path, text)

TEST_F(bundle, load)
{
	json_t *config = config_load(self->dir, NULL);
	json_t *wanted = parse(spec);

	ASSERT_NE(NULL, config);
	EXPECT_STREQ(self->root, config_rootfs(config));
	/* All the rest is as it was. */
	field_set(wanted, "root.path", json_string(self->root));
	EXPECT_TRUE(json_equal(wanted, config));
	json_decref(wanted);
	json_decref(config);
}

TEST_F(bundle, load_relative)
{
	json_t *config;

	ASSERT_EQ(0, chdir(self->dir));
	config = config_load(".", NULL);
	ASSERT_NE(NULL, config);
	EXPECT_STREQ(self->root, config_rootfs(config));
	json_decref(config);
}

TEST_F(bundle, refused)
{
	static const struct {
		const char *path;
		const char *value;	/* NULL: missing */
		const char *error;
	} cases[] = {
		{ "ociVersion", NULL, "ociVersion: missing" },
		{ "ociVersion", "1", "ociVersion: not a string" },
		{ "ociVersion", "'2.0'", "ociVersion: 2.0: unknown" },
		{ "ociVersion", "'1'", "ociVersion: 1: unknown" },
		{ "ociVersion", "null", "ociVersion: missing" },
		{ "process", NULL, "process: missing" },
		{ "process", "[]", "process: not an object" },
		{ "process.args", NULL, "process: args: missing" },
		{ "process.args", "'sh'", "process: args: not an array" },
		{ "process.args", "[]", "process: args: empty" },
		{ "process.args", "['']", "process: args: empty" },
		{ "process.args", "['sh', 1]", "process: args[1]: not a string" },
		{ "process.args", "[null]", "process: args[0]: not a string" },
		{ "process.env", "{}", "process: env: not an array" },
		{ "process.env", "['A=B', []]", "process: env[1]: not a string" },
		{ "process.cwd", NULL, "process: cwd: missing" },
		{ "process.cwd", "'tmp'", "process: cwd: tmp: not an absolute path" },
		{ "process.cwd", "''", "process: cwd: : not an absolute path" },
		{ "process.cwd", "7", "process: cwd: not a string" },
		{ "process.terminal", "'yes'", "process: terminal: not true or false" },
		{ "process.user", "'root'", "process: user: not an object" },
		{ "process.user.uid", "'0'", "process: user.uid: not an integer" },
		{ "process.user.uid", "-1", "process: user.uid: -1: out of range" },
		{ "process.user.gid", "4294967295", "user.gid: 4294967295: out of range" },
		{ "process.user.gid", "1.5", "user.gid: not an integer" },
		{ "process.user.additionalGids", "[1, 4294967295]", "additionalGids[1]: not a" },
		{ "process.user.additionalGids", "['1']", "additionalGids[0]: not a" },
		{ "root", NULL, "root.path: missing" },
		{ "root", "3", "root: not an object" },
		{ "root.path", NULL, "root.path: missing" },
		{ "root.path", "['rootfs']", "root.path: not a string" },
		{ "root.path", "''", "root.path: missing" },
		{ "root.path", "'nonesuch'", "/nonesuch: No such file" },
		{ "root.path", "'config.json'", "/config.json: not a directory" },
		{ "linux", NULL, "linux: missing" },
		{ "linux", "[]", "linux: not an object" },
		{ "mounts", "{}", "mounts: not an array" },
		{ "mounts", "[1]", "mounts[0]: not an object" },
		{ "mounts", "[{}]", "mounts[0]: destination: missing" },
		{ "mounts", "[{'destination': 1}]", "mounts[0]: destination: not a string" },
		{ "mounts", "[{'destination': '/a', 'options': 'ro'}]",
		  "mounts[0]: options: not an array" },
		{ "mounts", "[{'destination': '/a', 'options': [['ro']]}]",
		  "mounts[0]: options[0]: not a string" },
		{ "mounts", "[{'destination': '/a', 'type': {}}]", "type: not a string" },
		{ "mounts", "[{'destination': '/a', 'type': 'bind'}]",
		  "mounts[0]: source: missing" },
		{ "mounts", "[{'destination': '/a', 'source': 1, 'type': 'bind'}]",
		  "mounts[0]: source: not a string" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_changed(self->dir, cases[i].path, cases[i].value);
		EXPECT_EQ(NULL, config_load(self->dir, NULL)) {
			TH_LOG("%s: %s", cases[i].path, cases[i].value ?: "missing");
		}
		EXPECT_ERROR(cases[i].error);
		EXPECT_ERROR(self->dir);
	}
}

static void write_size(const char *dir, size_t size)
{
	json_t *config = parse(spec);
	char *text = malloc(size + 1);

	memset(text, ' ', size);
	json_dumpb(config, text, size, 0);
	text[size] = 0;
	json_decref(config);
	write_file(dir, "config.json", text);
	free(text);
}

TEST_F(bundle, not_json)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "", "config.json:1: " },
		{ "{\n\"a\": 1,\n}", "config.json:3: " },
		{ "[]", "config.json: not an object" },
		{ "{\"a\": \"\\u0000\"}", "config.json:1: " },
		{ "{\"a\": \"\xff\"}", "config.json:1: " },
		{ "{\"ociVersion\": \"1\",\n \"ociVersion\": \"2\"}", "config.json:2: duplicate" },
		{ "{\"a\": 18446744073709551616}", "config.json:1: too big" },
		{ "{\"a\": \"unfinished \\\"", "config.json:1: " },
		{ "{\"a\": \"\\", "config.json:1: " },
	};
	json_t *config;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_file(self->dir, "config.json", cases[i].text);
		EXPECT_EQ(NULL, config_load(self->dir, NULL));
		EXPECT_ERROR(cases[i].error);
	}
	write_size(self->dir, CONFIG_MAX);
	config = config_load(self->dir, NULL);
	EXPECT_NE(NULL, config);
	json_decref(config);
	write_size(self->dir, CONFIG_MAX + 1);
	EXPECT_EQ(NULL, config_load(self->dir, NULL));
	EXPECT_ERROR("larger than 1M");
	unlink(strcat(strcpy(self->root, self->dir), "/config.json"));
	EXPECT_EQ(NULL, config_load(self->dir, NULL));
	EXPECT_ERROR("/config.json: No such file");
	EXPECT_EQ(NULL, config_load("/nonesuch", NULL));
	EXPECT_ERROR("/nonesuch: No such file");
}

TEST(numbers)
{
	static const struct {
		const char *from;
		const char *to;
	} cases[] = {
		{ "9223372036854775807", "9223372036854775807" },
		{ "[9223372036854775808]", "[9223372036854775807]" },
		{ "[18446744073709551615,1]", "[9223372036854775807 ,1]" },
		{ "18446744073709551616", "18446744073709551616" },
		{ "99999999999999999999", "99999999999999999999" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "-18446744073709551615", "-18446744073709551615" },
		{ "0.18446744073709551615", "0.18446744073709551615" },
		{ "1e18446744073709551615", "1e18446744073709551615" },
		{ "9223372036854775808.5", "9223372036854775808.5" },
		{ "9223372036854775808e1", "9223372036854775808e1" },
		{ "\"18446744073709551615\"", "\"18446744073709551615\"" },
		{ "\"\\\"18446744073709551615\"", "\"\\\"18446744073709551615\"" },
		{ "\"a\\\\\" 18446744073709551615", "\"a\\\\\" 9223372036854775807 " },
		{ "\"18446744073709551615", "\"18446744073709551615" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = strdup(cases[i].from);

		clamp_numbers(text);
		EXPECT_STREQ(cases[i].to, text);
		free(text);
	}
}

TEST_F(bundle, bind_sources)
{
	json_t *config, *mounts;
	char wanted[64];

	write_changed(self->dir, "mounts",
		      "[{'destination': '/a', 'type': 'bind', 'source': 'data'},\n"
		      " {'destination': '/b', 'options': ['rbind'], 'source': 'data'},\n"
		      " {'destination': '/c', 'options': ['bind'], 'source': '/data'},\n"
		      " {'destination': '/d', 'type': 'tmpfs', 'source': 'data'}]");
	config = config_load(self->dir, NULL);
	ASSERT_NE(NULL, config);
	snprintf(wanted, sizeof(wanted), "%s/data", self->dir);
	mounts = json_object_get(config, "mounts");
#define SOURCE(i) json_string_value(json_object_get(json_array_get(mounts, i), "source"))
	EXPECT_STREQ(wanted, SOURCE(0));
	EXPECT_STREQ(wanted, SOURCE(1));
	EXPECT_STREQ("/data", SOURCE(2));
	EXPECT_STREQ("data", SOURCE(3));
	json_decref(config);
}

TEST_F(bundle, make)
{
	json_t *config = config_make(self->root);
	cleanup_free char *text = NULL;
	json_t *again, *bounding;

	ASSERT_NE(NULL, config);
	EXPECT_FIELD(config, "process.args", "['sh']");
	EXPECT_FIELD(config, "process.user", "{'uid': 0, 'gid': 0}");
	EXPECT_FIELD(config, "process.noNewPrivileges", "false");
	EXPECT_FIELD(config, "process.cwd", "'/'");
	EXPECT_FIELD(config, "linux.resources.devices",
		     "[{'allow': false, 'access': 'rwm'}]");
	ASSERT_EQ(0, field_find_strings(config, "process.capabilities.bounding", &bounding));
	EXPECT_EQ(14, json_array_size(bounding));
	EXPECT_EQ(7, json_array_size(json_object_get(config, "mounts")));
	EXPECT_STREQ(self->root, config_rootfs(config));
	/* It is good for a bundle, too. */
	text = json_dumps(config, 0);
	write_file(self->dir, "config.json", text);
	again = config_load(self->dir, NULL);
	EXPECT_TRUE(json_equal(config, again));
	json_decref(again);
	json_decref(config);
	EXPECT_EQ(NULL, config_make("/nonesuch"));
	EXPECT_ERROR("/nonesuch: No such file");
	EXPECT_EQ(NULL, config_make("/dev/null"));
	EXPECT_ERROR("/dev/null: not a directory");
}

TEST_F(bundle, options)
{
	const struct config_options options = {
		.args = (const char *[]){ "ls", "-l", NULL },
		.env = (const char *[]){ "PATH=/bin", "A=1=2", "UNIT_OCI_SET", "TERM", NULL },
		.user = "12:34", .workdir = "/tmp", .terminal = false,
		.volumes = (const char *[]){ "/dev/null:/n:ro", NULL },
		.hostname = "other", .cgroups_path = "/bulkhead/x",
		.memory = 1 << 20, .cpus = 1500, .read_only = true,
	};
	json_t *config = config_load(self->dir, NULL);

	ASSERT_NE(NULL, config);
	setenv("UNIT_OCI_SET", "yes", 1);
	unsetenv("TERM");
	field_delete(config, "root.readonly");
	ASSERT_EQ(0, config_apply(config, &options)) {
		TH_LOG("%s", error_text());
	}
	EXPECT_FIELD(config, "process.args", "['ls', '-l']");
	EXPECT_FIELD(config, "process.env", "['PATH=/bin', 'A=1=2', 'UNIT_OCI_SET=yes']");
	EXPECT_FIELD(config, "process.user", "{'uid': 12, 'gid': 34}");
	EXPECT_FIELD(config, "process.cwd", "'/tmp'");
	EXPECT_FIELD(config, "process.terminal", "false");
	EXPECT_FIELD(config, "hostname", "'crun'");
	EXPECT_FIELD(config, "linux.cgroupsPath", "'/bulkhead/x'");
	EXPECT_FIELD(config, "linux.resources.memory", "{'limit': 1048576, 'swap': 1048576}");
	EXPECT_FIELD(config, "linux.resources.cpu", "{'quota': 150000, 'period': 100000}");
	EXPECT_FIELD(config, "root.readonly", "true");
	EXPECT_FIELD(config, "mounts",
		     "[{'destination': '/proc', 'type': 'proc', 'source': 'proc'},\n"
		     " {'destination': '/n', 'type': 'bind', 'source': '/dev/null',\n"
		     "  'options': ['rbind', 'rprivate', 'ro']}]");
	json_decref(config);
}

TEST_F(bundle, no_options)
{
	const struct config_options options = {
		.terminal = true, .args = (const char *[]){ NULL }
	};
	const struct config_options others = {
		.terminal = true, .env = (const char *[]){ "A", "TERM=vt", NULL },
		.hostname = "name", .volumes = (const char *[]){ "/:/host", NULL },
	};
	json_t *config = config_load(self->dir, NULL);
	json_t *before = json_deep_copy(config);

	ASSERT_EQ(0, config_apply(config, &options));
	EXPECT_TRUE(json_equal(before, config));
	/* A terminal's type is said, once, unless it is known. */
	field_delete(config, "process.env");
	field_delete(config, "mounts");
	field_delete(config, "hostname");
	ASSERT_EQ(0, config_apply(config, &options));
	EXPECT_FIELD(config, "process.env", "['TERM=xterm']");
	EXPECT_FIELD(config, "mounts", NULL);
	EXPECT_FIELD(config, "hostname", NULL);
	ASSERT_EQ(0, config_apply(config, &others));
	EXPECT_FIELD(config, "process.env", "['TERM=vt']");
	EXPECT_FIELD(config, "hostname", "'name'");
	EXPECT_EQ(1, json_array_size(json_object_get(config, "mounts")));
	json_decref(before);
	json_decref(config);
}

TEST_F(bundle, bad_options)
{
	const struct {
		struct config_options options;
		const char *error;
	} cases[] = {
		{ { .args = (const char *[]){ "", NULL } }, "command's name is empty" },
		{ { .args = (const char *[]){ "\xff", NULL } }, "not UTF-8" },
		{ { .args = (const char *[]){ "a", "\xff", NULL } }, "not UTF-8" },
		{ { .env = (const char *[]){ "=1", NULL } }, "env =1: no name" },
		{ { .env = (const char *[]){ "", NULL } }, "env : no name" },
		{ { .env = (const char *[]){ "A=\xff", NULL } }, "not UTF-8" },
		{ { .workdir = "tmp" }, "working directory tmp: not an absolute path" },
		{ { .workdir = "" }, "working directory : not an absolute path" },
		{ { .user = "nobody" }, "user nobody: nobody: no such user" },
		{ { .volumes = (const char *[]){ "/nonesuch:/a", NULL } }, "volume /nonesuch:/a" },
		{ { .memory = 1ULL << 63 }, "larger than any memory" },
		{ { .cpus = 9 }, "cpus: 0.009: too little" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *config = config_load(self->dir, NULL);

		EXPECT_EQ(-1, config_apply(config, &cases[i].options));
		EXPECT_ERROR(cases[i].error);
		json_decref(config);
	}
}

/* A config that was changed since it was checked is no way around the types. */
TEST_F(bundle, options_on_hostile)
{
	static const char *const bad[][2] = {
		{ "process", "[]" }, { "process.env", "[1]" }, { "process.env", "'A=B'" },
		{ "mounts", "{}" }, { "hostname", "7" }, { "linux.resources", "[]" },
		{ "linux.resources.memory", "''" }, { "linux.resources.cpu", "5" },
		{ "linux.cgroupsPath", "[]" }, { "linux", "1" },
	};
	const struct config_options options = {
		.volumes = (const char *[]){ "/:/host", NULL }, .memory = 4096, .cpus = 1000,
		.hostname = "x", .cgroups_path = "/x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_t *config = config_load(self->dir, NULL);

		ASSERT_EQ(0, field_set(config, bad[i][0], parse(bad[i][1])));
		EXPECT_EQ(-1, config_apply(config, &options)) {
			TH_LOG("%s: %s", bad[i][0], bad[i][1]);
		}
		EXPECT_ERROR("not a");
		json_decref(config);
	}
}

TEST_F(bundle, exec)
{
	const struct config_options options = {
		.args = (const char *[]){ "id", NULL }, .user = "5", .memory = 4096,
	};
	json_t *config = config_load(self->dir, NULL);
	json_t *before = json_deep_copy(config);
	json_t *process = process_make(config, &options);

	ASSERT_NE(NULL, process);
	EXPECT_TRUE(json_equal(before, config));
	EXPECT_FIELD(process, "args", "['id']");
	EXPECT_FIELD(process, "user", "{'uid': 5, 'gid': 0}");
	EXPECT_FIELD(process, "terminal", "false");
	EXPECT_FIELD(process, "capabilities", "{'bounding': ['CAP_KILL']}");
	json_decref(process);
	EXPECT_EQ(NULL, process_make(config, &(struct config_options){ .workdir = "x" }));
	field_delete(config, "process");
	EXPECT_EQ(NULL, process_make(config, &options));
	EXPECT_ERROR("process: missing");
	json_decref(before);
	json_decref(config);
}

/* A config of nothing but what linux.resources is. */
static json_t *make_resources(const char *text)
{
	json_t *config = json_object();

	if (field_set(config, "linux.resources", parse(text)))
		abort();
	return config;
}

TEST(limits)
{
	static const struct {
		const char *text;
		uint64_t memory, quota, period, shares;
		unsigned int vcpus;
	} good[] = {
		{ "{}", 0, 0, 100000, 0, 1 },
		{ "null", 0, 0, 100000, 0, 1 },
		{ "{'memory': {'limit': 0}}", 0, 0, 100000, 0, 1 },
		{ "{'memory': {'limit': -1}, 'cpu': {'quota': -1, 'period': 50000}}",
		  0, 0, 50000, 0, 1 },
		{ "{'memory': {'limit': 4096}, 'cpu': {'quota': 100000, 'shares': 2}}",
		  4096, 100000, 100000, 2, 1 },
		{ "{'cpu': {'quota': 100001, 'period': 50000}}", 0, 100001, 50000, 0, 3 },
		{ "{'cpu': {'quota': 100000, 'period': 50000}}", 0, 100000, 50000, 0, 2 },
		{ "{'cpu': {'quota': 1000, 'period': 0}}", 0, 1000, 100000, 0, 1 },
		{ "{'cpu': {'quota': 17592186044416, 'period': 1000}}",
		  0, 17592186044416, 1000, 0, UINT_MAX },
	};
	struct limits limits;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		json_t *config = make_resources(good[i].text);

		ASSERT_EQ(0, limits_get(config, &limits));
		EXPECT_EQ(good[i].memory, limits.memory);
		EXPECT_EQ(good[i].quota, limits.quota);
		EXPECT_EQ(good[i].period, limits.period);
		EXPECT_EQ(good[i].shares, limits.shares);
		EXPECT_EQ(good[i].vcpus, limits_vcpus(&limits));
		json_decref(config);
	}
}

TEST(limits_texts)
{
	json_t *config = make_resources("{'cpu': {'cpus': '0-2,5', 'mems': ''}}");
	struct limits limits;

	ASSERT_EQ(0, field_set(config, "linux.cgroupsPath", json_string("/a")));
	ASSERT_EQ(0, limits_get(config, &limits));
	EXPECT_STREQ("/a", limits.cgroups_path);
	EXPECT_STREQ("0-2,5", limits.cpus);
	EXPECT_EQ(NULL, limits.mems);
	json_decref(config);
}

TEST(limits_refused)
{
	static const char *const bad[][3] = {
		{ "memory.limit", "'1G'", "memory.limit: not an integer" },
		{ "memory.limit", "-2", "memory.limit: -2: out of range" },
		{ "memory.limit", "1.0", "memory.limit: not an integer" },
		{ "memory", "[]", "memory: not an object" },
		{ "cpu", "true", "cpu: not an object" },
		{ "cpu.quota", "999", "cpu.quota: 999: less than 1000" },
		{ "cpu.quota", "17592186044417", "cpu.quota: 17592186044417: out of range" },
		{ "cpu.period", "999", "cpu.period: 999: less than 1000" },
		{ "cpu.period", "1000001", "cpu.period: 1000001: out of range" },
		{ "cpu.period", "-1", "cpu.period: -1: out of range" },
		{ "cpu.shares", "262145", "cpu.shares: 262145: out of range" },
		{ "cpu.cpus", "3", "cpu.cpus: not a string" },
		{ "cpu.cpus", "'0\\n1'", "not a list" },
		{ "cpu.mems", "'all'", "cpu.mems: all: not a list" },
	};
	struct limits limits;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_t *config = json_object();
		char path[64];

		snprintf(path, sizeof(path), "linux.resources.%s", bad[i][0]);
		ASSERT_EQ(0, field_set(config, path, parse(bad[i][1])));
		EXPECT_EQ(-1, limits_get(config, &limits));
		EXPECT_ERROR(bad[i][2]);
		json_decref(config);
	}
}

TEST_HARNESS_MAIN
