// SPDX-License-Identifier: GPL-2.0-only
/* The guest's config: what is refused, and what becomes of the rest; and hooks. Needs no VM. */
#include "../ctl/base/child.c"
#include "../ctl/base/error.c"
#include "../ctl/base/timeout.c"
#include "../ctl/oci/field.c"
#include "../ctl/oci/guest.c"
#include "../ctl/oci/hooks.c"
#include "../ctl/oci/mount.c"
#include "../ctl/oci/namespaces.c"
#include "../ctl/oci/support.c"
#include "unit_json.h"

/* What "crun spec" writes, as far as this looks at it, with all that is allowed. */
static const char spec[] =
	"{'ociVersion': '1.0.0',\n"
	" 'process': {'args': ['sh'], 'cwd': '/', 'apparmorProfile': 'unconfined',\n"
	"  'selinuxLabel': ''},\n"
	" 'root': {'path': '/host/root', 'readonly': true}, 'hostname': 'crun',\n"
	" 'mounts': [\n"
	"  {'destination': '/proc', 'type': 'proc', 'source': 'proc'},\n"
	"  {'destination': '/a', 'type': 'bind', 'source': '/host/a',\n"
	"   'options': ['rbind', 'rprivate', 'ro']},\n"
	"  {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs',\n"
	"   'options': ['ro']},\n"
	"  {'destination': '/b', 'type': 'none', 'source': '/host/b',\n"
	"   'options': ['bind']},\n"
	"  {'destination': '/c', 'source': '/host/c',\n"
	"   'options': ['ro', 'rbind', 'rw', 'slave']},\n"
	"  {'destination': '/d', 'type': 'bind', 'source': '/host/d',\n"
	"   'options': ['rro']}],\n"
	" 'hooks': {'prestart': [{'path': '/1'}], 'createRuntime': [{'path': '/2'}],\n"
	"  'createContainer': [{'path': '/3'}], 'startContainer': [{'path': '/4'}],\n"
	"  'poststart': [{'path': '/5'}], 'poststop': [{'path': '/6'}]},\n"
	" 'linux': {'cgroupsPath': 'machine.slice:libpod:1', 'mountLabel': '',\n"
	"  'rootfsPropagation': 'private',\n"
	"  'devices': [{'path': '/dev/null', 'type': 'c', 'major': 1, 'minor': 3}],\n"
	"  'sysctl': {'net.ipv4.ping_group_range': '0 0'},\n"
	"  'seccomp': {'defaultAction': 'SCMP_ACT_ALLOW'},\n"
	"  'resources': {'memory': {'limit': 4096}, 'network': {}, 'rdma': {},\n"
	"   'blockIO': {'weight': 10, 'weightDevice': []},\n"
	"   'unified': {'cpuset.cpus': '0', 'cpuset.mems': '0', 'memory.high': '1'},\n"
	"   'cpu': {'cpus': '0-1', 'mems': '0', 'quota': 1000}},\n"
	"  'namespaces': [{'type': 'pid'}, {'type': 'ipc'}, {'type': 'uts'},\n"
	"   {'type': 'mount'}, {'type': 'cgroup'}, {'type': 'network'}]}}";

/* The same in the guest. */
static const char guest[] =
	"{'ociVersion': '1.0.0', 'process': {'args': ['sh'], 'cwd': '/'},\n"
	" 'root': {'path': '/run/bulkhead/share/0/root', 'readonly': true},\n"
	" 'hostname': 'crun',\n"
	" 'mounts': [\n"
	"  {'destination': '/proc', 'type': 'proc', 'source': 'proc'},\n"
	"  {'destination': '/a', 'type': 'bind',\n"
	"   'source': '/run/bulkhead/share/0/volumes/0',\n"
	"   'options': ['rbind', 'rprivate', 'ro']},\n"
	"  {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs',\n"
	"   'options': ['ro']},\n"
	"  {'destination': '/b', 'type': 'none',\n"
	"   'source': '/run/bulkhead/share/0/volumes/1', 'options': ['bind']},\n"
	"  {'destination': '/c', 'source': '/run/bulkhead/share/0/volumes/2',\n"
	"   'options': ['ro', 'rbind', 'rw', 'slave']},\n"
	"  {'destination': '/d', 'type': 'bind',\n"
	"   'source': '/run/bulkhead/share/0/volumes/3', 'options': ['rro']}],\n"
	" 'hooks': {'createContainer': [{'path': '/3'}],\n"
	"  'startContainer': [{'path': '/4'}]},\n"
	" 'linux': {'cgroupsPath': '/container.0', 'rootfsPropagation': 'private',\n"
	"  'devices': [{'path': '/dev/null', 'type': 'c', 'major': 1, 'minor': 3}],\n"
	"  'sysctl': {'net.ipv4.ping_group_range': '0 0'},\n"
	"  'seccomp': {'defaultAction': 'SCMP_ACT_ALLOW'},\n"
	"  'resources': {'memory': {'limit': 4096}, 'network': {}, 'rdma': {},\n"
	"   'blockIO': {'weight': 10, 'weightDevice': []},\n"
	"   'unified': {'memory.high': '1'}, 'cpu': {'quota': 1000}},\n"
	"  'namespaces': [{'type': 'pid'}, {'type': 'ipc'}, {'type': 'uts'},\n"
	"   {'type': 'mount'}, {'type': 'cgroup'},\n"
	"   {'type': 'network', 'path': '/proc/self/ns/net'}]}}";

TEST(converted)
{
	static const struct bind wanted[] = {
		{ "/host/a", true, true }, { "/host/b", false, false },
		{ "/host/c", false, true }, { "/host/d", true, false },
	};
	json_t *config = parse(spec), *before = parse(spec), *after = parse(guest);
	struct tree tree;
	json_t *made = guest_config(config, 0, NULL, &tree);

	ASSERT_NE(NULL, made) {
		TH_LOG("%s", error_text());
	}
	EXPECT_TRUE(json_equal(after, made));
	EXPECT_TRUE(json_equal(before, config));
	ASSERT_EQ(ARRAY_SIZE(wanted), tree.n_volumes);
	for (size_t i = 0; i < tree.n_volumes; i++) {
		EXPECT_STREQ(wanted[i].source, tree.volumes[i].source);
		EXPECT_EQ(wanted[i].read_only, tree.volumes[i].read_only);
		EXPECT_EQ(wanted[i].is_recursive, tree.volumes[i].is_recursive);
	}
	tree_release(&tree);
	EXPECT_EQ(0, tree.n_volumes);
	json_decref(made);
	json_decref(after);
	json_decref(before);
	json_decref(config);
}

/* All of them are named as the guest's kernel names them, and may be used. */
TEST(disks)
{
	static const struct {
		unsigned int disk;
		const char *path;
	} wanted[] = {
		{ 0, "/dev/vda" }, { 25, "/dev/vdz" }, { 26, "/dev/vdaa" }, { 701, "/dev/vdzz" },
		{ 702, "/dev/vdaaa" },
	};
	json_t *config = parse("{'linux': {}}");
	json_t *mounts, *devices;

	ASSERT_EQ(0, guest_add_disks(config, 0));
	EXPECT_EQ(NULL, json_object_get(config, "mounts"));
	ASSERT_EQ(0, guest_add_disks(config, 703));
	mounts = json_object_get(config, "mounts");
	ASSERT_EQ(703, json_array_size(mounts));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		json_t *mount = json_array_get(mounts, wanted[i].disk);

		EXPECT_STREQ(wanted[i].path,
			     json_string_value(json_object_get(mount, "source")));
		EXPECT_STREQ(wanted[i].path,
			     json_string_value(json_object_get(mount, "destination")));
	}
	ASSERT_EQ(0, field_find(config, "linux.resources.devices", JSON_ARRAY, &devices));
	EXPECT_EQ(1, json_array_size(devices));
	json_decref(config);
}

/* The guest's socket is where the host's would be. */
TEST(notify)
{
	json_t *config = parse("{'process': {'env': ['A=1']}}");
	json_t *wanted = parse("{'process': {'env': ['A=1', 'NOTIFY_SOCKET=/run/n/notify']},\n"
			       " 'mounts': [{'destination': '/run/n', 'type': 'bind',\n"
			       "  'source': '/run/bulkhead/notify', 'options': ['bind']}]}");

	ASSERT_EQ(0, guest_add_notify(config, "/run/n"));
	EXPECT_TRUE(json_equal(wanted, config));
	json_decref(wanted);
	json_decref(config);
}

/* A user namespace can't mount it in the partition's network namespace. */
TEST(sysfs_of_user_namespace)
{
	json_t *config = parse("{'ociVersion': '1.0.0', 'process': {'args': ['sh'], 'cwd': '/'},\n"
			       " 'root': {'path': '/r'}, 'mounts': [\n"
			       "  {'destination': '/sys', 'type': 'sysfs', 'options': ['ro']},\n"
			       "  {'destination': '/s', 'type': 'sysfs'}],\n"
			       " 'linux': {'namespaces': [{'type': 'pid'}, {'type': 'ipc'},\n"
			       "  {'type': 'uts'}, {'type': 'mount'}, {'type': 'network'},\n"
			       "  {'type': 'user'}]}}");
	json_t *wanted = parse("[{'destination': '/sys', 'type': 'bind',\n"
			       "  'source': '/run/bulkhead/sys', 'options': ['ro', 'bind']},\n"
			       " {'destination': '/s', 'type': 'bind',\n"
			       "  'source': '/run/bulkhead/sys', 'options': ['bind']}]");
	struct tree tree;
	json_t *made = guest_config(config, 0, NULL, &tree);

	ASSERT_NE(NULL, made) {
		TH_LOG("%s", error_text());
	}
	EXPECT_TRUE(json_equal(wanted, json_object_get(made, "mounts")));
	EXPECT_EQ(0, tree.n_volumes);
	tree_release(&tree);
	json_decref(made);
	json_decref(wanted);
	json_decref(config);
}

static json_t *with_path(const char *kind, const char *path)
{
	json_t *config = parse("{'ociVersion': '1.0.0', 'process': {'args': ['sh'], 'cwd': '/'},\n"
			       " 'root': {'path': '/r'}, 'annotations': {},\n"
			       " 'linux': {'namespaces': [{'type': 'ipc'}, {'type': 'pid'},\n"
			       "  {'type': 'uts'}, {'type': 'mount'}, {'type': 'network'}]}}");
	json_t *namespaces = json_object_get(json_object_get(config, "linux"), "namespaces");

	field_set(json_array_get(namespaces, 0), "path", field_text(path));
	json_object_set_new(json_object_get(config, "annotations"),
			    "io.kubernetes.cri-o.ContainerType", json_string(kind));
	return config;
}

/* As CRI-O makes it; but not the host's, nor for those that are to join it. */
TEST(namespace_of_pod)
{
	static const struct {
		const char *kind;
		const char *path;
		bool is_taken;
	} cases[] = {
		{ "sandbox", "/proc/self/ns/mnt", true },	/* any other one */
		{ "sandbox", "/proc/self/ns/ipc", false },
		{ "sandbox", "/etc/passwd", false },
		{ "sandbox", "/nonesuch", false },
		{ "container", "/proc/self/ns/mnt", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *config = with_path(cases[i].kind, cases[i].path);
		struct tree tree;
		json_t *made = guest_config(config, 0, NULL, &tree);
		json_t *namespaces = json_object_get(json_object_get(made, "linux"), "namespaces");

		EXPECT_EQ(cases[i].is_taken, !!made) {
			TH_LOG("%s: %s", cases[i].kind, cases[i].path);
		}
		EXPECT_EQ(NULL, json_object_get(json_array_get(namespaces, 0), "path"));
		tree_release(&tree);
		json_decref(made);
		json_decref(config);
	}
}

/* Who runs this may have none. */
TEST(groups_kept)
{
	json_t *config = parse(spec), *array = NULL, *made;
	int n = getgroups(0, NULL);
	struct tree tree;

	ASSERT_EQ(0, field_set(config, "annotations",
			       parse("{'run.oci.keep_original_groups': '1', 'a.b': 'c'}")));
	made = guest_config(config, 0, NULL, &tree);
	ASSERT_NE(NULL, made);
	EXPECT_EQ(n ? 1 : 2, json_object_size(json_object_get(made, "annotations")));
	ASSERT_EQ(0, field_find(made, "process.user.additionalGids", JSON_ARRAY, &array));
	EXPECT_EQ(n, json_array_size(array));
	tree_release(&tree);
	json_decref(made);
	json_decref(config);
}

struct refusal {
	const char *path;
	const char *value;
	const char *error;
};

static void check_refused(struct __test_metadata *_metadata, const struct refusal *refusal)
{
	json_t *config = parse(spec);
	struct tree tree;

	field_delete(config, refusal->path);
	ASSERT_EQ(0, field_set(config, refusal->path, parse(refusal->value)));
	EXPECT_EQ(NULL, guest_config(config, 0, NULL, &tree)) {
		TH_LOG("%s: %s", refusal->path, refusal->value);
	}
	EXPECT_EQ(NULL, tree.volumes);
	EXPECT_ERROR(refusal->error);
	json_decref(config);
}

#define OR_PROCESS	", or use --isolation=process"

TEST(namespaces_refused)
{
	static const char *const types[] = {
		"pid", "ipc", "uts", "mount", "network", "cgroup", "user", "time"
	};
	static const struct refusal cases[] = {
		{ "linux.namespaces", "null", "linux.namespaces: pid: missing" },
		{ "linux.namespaces", "{}", "linux.namespaces: not an array" },
		{ "linux.namespaces", "[1]", "linux.namespaces: not an object" },
		{ "linux.namespaces", "[{}]", "linux.namespaces: type: missing" },
		{ "linux.namespaces", "[{'type': 1}]", "linux.namespaces: type: not a string" },
		{ "linux.namespaces", "[{'type': 'pid', 'path': 1}]", "path: not a string" },
		{ "linux.namespaces", "[{'type': 'pid', 'path': ''}]",
		  "linux.namespaces: pid: : neither of a container in a partition" },
		{ "linux", "[]", "linux: not an object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused(_metadata, &cases[i]);
	/* Each with a path, but the network; the first five, one at a time, left out. */
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct refusal refusal = { .path = "linux.namespaces" };
		char value[64], error[160];

		if (!strcmp(types[i], "network"))
			continue;
		snprintf(value, sizeof(value), "[{'type': '%s', 'path': '/proc/1/ns/x'}]",
			 types[i]);
		snprintf(error, sizeof(error),
			 "linux.namespaces: %s: /proc/1/ns/x: neither of a container in a partition, nor one that it can share; leave its path out, or use --isolation=process",
			 types[i]);
		refusal.value = value;
		refusal.error = error;
		check_refused(_metadata, &refusal);
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed_namespaces); i++) {
		json_t *config = parse(spec);
		struct tree tree;
		char error[160];

		json_array_remove(json_object_get(json_object_get(config, "linux"), "namespaces"),
				  i < 4 ? i : 5);
		snprintf(error, sizeof(error),
			 "linux.namespaces: %s: missing, and a partition can't share the host's; add it, or use --isolation=process",
			 types[i]);
		EXPECT_EQ(NULL, guest_config(config, 0, NULL, &tree));
		EXPECT_ERROR(error);
		json_decref(config);
	}
}

/* The partition takes its place, whether it has a path or not; but it takes that of one. */
TEST(network)
{
	static const char *const paths[] = { NULL, "/run/netns/x" };
	static const char list[] = "{'linux': {'namespaces': [{'type': 'network'},\n"
				   " {'type': 'network'}]}}";
	json_t *twice = parse(list);
	const char *path;
	json_t *entry;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		json_t *config = parse(spec), *guest;
		struct tree tree;

		ASSERT_EQ(0, namespaces_find(config, "network", &entry, &path));
		if (paths[i])
			ASSERT_EQ(0, field_set(entry, "path", field_text(paths[i])));
		guest = guest_config(config, 0, NULL, &tree);
		ASSERT_NE(NULL, guest);
		EXPECT_EQ(0, namespaces_find(guest, "network", &entry, &path));
		EXPECT_STREQ("/proc/self/ns/net", path);
		/* The host's view stays. */
		EXPECT_EQ(0, namespaces_find(config, "network", &entry, &path));
		EXPECT_TRUE(paths[i] ? path && !strcmp(paths[i], path) : !path);
		tree_release(&tree);
		json_decref(guest);
		json_decref(config);
	}
	EXPECT_EQ(-1, namespaces_find(twice, "network", &entry, &path));
	EXPECT_ERROR("linux.namespaces: network: there twice; leave one out");
	json_decref(twice);
}

#define DEVICE(type, major, minor) \
	"[{'path': '/dev/x', 'type': '" type "', 'major': " major ", 'minor': " minor "}]"

TEST(devices_refused)
{
	static const struct refusal cases[] = {
		{ "linux.devices", "{}", "linux.devices: not an array" },
		{ "linux.devices", "['/dev/null']", "linux.devices: not an object" },
		{ "linux.devices", "[{}]", "linux.devices: path: missing" },
		{ "linux.devices", "[{'path': '/dev/x'}]", "linux.devices: type: missing" },
		{ "linux.devices", "[{'path': 1}]", "linux.devices: path: not a string" },
		{ "linux.devices", "[{'path': '/dev/x', 'type': 'p'}]", "/dev/x (p -1:-1)" },
		{ "linux.devices", DEVICE("b", "1", "3"), "/dev/x (b 1:3): the host's devices" },
		{ "linux.devices", DEVICE("c", "1", "1"),
		  "linux.devices: /dev/x (c 1:1): the host's devices aren't in a partition; leave it out"
		  OR_PROCESS },
		{ "linux.devices", DEVICE("c", "10", "229"), "(c 10:229)" },
		{ "linux.devices", DEVICE("c", "4294967297", "3"), "4294967297: out of range" },
		{ "linux.devices", DEVICE("c", "'1'", "3"), "major: not an integer" },
		{ "linux.devices", DEVICE("c", "1", "3.0"), "minor: not an integer" },
		{ "linux.devices", DEVICE("", "1", "3"), "( 1:3)" },
		{ "linux.devices", DEVICE("cb", "1", "3"), "(cb 1:3)" },
	};
	static const char *const good[] = {
		DEVICE("c", "1", "3"), DEVICE("u", "1", "5"), DEVICE("c", "1", "7"),
		DEVICE("c", "1", "8"), DEVICE("c", "1", "9"), DEVICE("c", "5", "0"),
		DEVICE("c", "5", "1"), DEVICE("c", "5", "2"), "[]", "null",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused(_metadata, &cases[i]);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		json_t *config = parse(spec);

		field_set(config, "linux.devices", parse(good[i]));
		EXPECT_EQ(0, support_check(config, NULL)) {
			TH_LOG("%s: %s", good[i], error_text());
		}
		json_decref(config);
	}
}

#define MOUNT(rest)	"[{'destination': '/x', " rest "}]"
#define OPTION(option)	MOUNT("'type': 'tmpfs', 'options': ['ro', '" option "']")

TEST(mounts_refused)
{
	static const struct refusal cases[] = {
		{ "mounts", "{}", "mounts: not an array" },
		{ "mounts", "[[]]", "mounts[0]: not an object" },
		{ "mounts", OPTION("shared"),
		  "mounts: /x: shared: mounts in a partition can't show on the host; use \"rprivate\""
		  OR_PROCESS },
		{ "mounts", OPTION("rshared"), "mounts: /x: rshared: mounts in" },
		{ "mounts", OPTION("idmap"),
		  "mounts: /x: idmap: ids aren't mapped on the way into a partition; leave it out"
		  OR_PROCESS },
		{ "mounts", OPTION("ridmap"), "mounts: /x: ridmap: ids" },
		{ "mounts", OPTION("idmap=uids=0-1-2"), "mounts: /x: idmap=uids=0-1-2: ids" },
		{ "mounts", MOUNT("'type': 'tmpfs', 'uidMappings': [{}]"),
		  "mounts: /x: uidMappings: ids" },
		{ "mounts", MOUNT("'type': 'tmpfs', 'gidMappings': [{}]"),
		  "mounts: /x: gidMappings: ids" },
		{ "mounts", MOUNT("'type': 'tmpfs', 'gidMappings': 1"), "not an array" },
		{ "mounts", MOUNT("'type': 'overlay'"),
		  "mounts: /x: type \"overlay\": not mounted in a partition; mount it on the host and bind it"
		  OR_PROCESS },
		{ "mounts", MOUNT("'type': 'ext4'"), "type \"ext4\"" },
		{ "mounts", MOUNT("'source': 'a'"), "type \"\"" },
		{ "mounts", MOUNT("'type': 'tmpf'"), "type \"tmpf\"" },
		{ "mounts", MOUNT("'type': 'bind'"), "mounts[0]: source: not an absolute" },
		{ "mounts", MOUNT("'type': 'bind', 'source': 'a'"), "not an absolute path" },
		{ "mounts", MOUNT("'type': 'bind', 'source': 5"), "source: not a string" },
		/* One that is bound already is released. */
		{ "mounts", "[{'destination': '/x', 'type': 'bind', 'source': '/'},\n"
		  " {'destination': '/y', 'type': 'bind', 'source': ''}]",
		  "mounts[1]: source: not an absolute path" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused(_metadata, &cases[i]);
	for (size_t i = 0; i < ARRAY_SIZE(mount_types); i++) {
		json_t *config = parse(spec);
		char mount[64];

		snprintf(mount, sizeof(mount), MOUNT("'type': '%s'"), mount_types[i]);
		field_set(config, "mounts", parse(mount));
		EXPECT_EQ(0, support_check(config, NULL)) {
			TH_LOG("%s", error_text());
		}
		json_decref(config);
	}
}

TEST(fields_refused)
{
	static const struct refusal cases[] = {
		{ "linux.rootfsPropagation", "'shared'",
		  "linux.rootfsPropagation: shared: mounts in a partition can't show on the host; use \"private\""
		  OR_PROCESS },
		{ "linux.rootfsPropagation", "'rshared'", "linux.rootfsPropagation: rshared: " },
		{ "linux.rootfsPropagation", "1", "linux.rootfsPropagation: not a string" },
		{ "process.apparmorProfile", "'mine'",
		  "process.apparmorProfile: mine: a partition has no AppArmor; use \"unconfined\""
		  OR_PROCESS },
		{ "process.apparmorProfile", "[]", "process.apparmorProfile: not a string" },
		{ "process.selinuxLabel", "'a:b:c'",
		  "process.selinuxLabel: a partition has no SELinux; leave it out" OR_PROCESS },
		{ "process.selinuxLabel", "{}", "process.selinuxLabel: not a string" },
		{ "linux.mountLabel", "'a'", "linux.mountLabel: a partition has no SELinux" },
		{ "linux.intelRdt", "{'closID': 'a'}",
		  "linux.intelRdt: the host's caches aren't a partition's; leave it out"
		  OR_PROCESS },
		{ "linux.intelRdt", "{}", "linux.intelRdt: the host's caches" },
		{ "linux.intelRdt", "''", "linux.intelRdt: not an object" },
		{ "linux.seccomp.listenerPath", "'/run/x'",
		  "linux.seccomp.listenerPath: a listener on the host can't be reached from a " },
		{ "annotations", "{'run.oci.seccomp.receiver': '/run/x'}",
		  "annotations: run.oci.seccomp.receiver: a listener" },
		{ "annotations", "[]", "annotations: not an object" },
		{ "linux.netDevices", "{'eth0': {}}", "linux.netDevices: the host's devices" },
		{ "linux.resources", "[]", "linux.resources: not an object" },
		{ "linux.resources.rdma", "{'mlx5': {}}", "linux.resources.rdma: the host's dev" },
		{ "linux.resources.network", "{'classID': 1}", "network.classID: the host" },
		{ "linux.resources.network", "{'priorities': [{}]}", "network.priorities: the" },
		{ "linux.resources.unified", "{'io.max': '8:0 rbps=1'}",
		  "linux.resources.unified: io.max: the host's devices aren't in a partition; leave it out"
		  OR_PROCESS },
		{ "linux.resources.unified", "{'io.latency': ''}", "unified: io.latency: " },
		{ "linux.resources.unified", "{'rdma.max': ''}", "unified: rdma.max: " },
		{ "linux.resources.unified", "1", "unified: not an object" },
		{ "linux.resources.blockIO", "[]", "linux.resources.blockIO: not an object" },
		{ "linux.resources.blockIO.weightDevice", "[{}]", "blockIO.weightDevice: the" },
		{ "linux.resources.blockIO.throttleReadBpsDevice", "[{}]", "ReadBpsDevice: the" },
		{ "linux.resources.blockIO.throttleWriteBpsDevice", "[{}]", "WriteBpsDevice: the" },
		{ "linux.resources.blockIO.throttleReadIOPSDevice", "[{}]", "ReadIOPSDevice: the" },
		{ "linux.resources.blockIO.throttleWriteIOPSDevice", "[{}]",
		  "linux.resources.blockIO.throttleWriteIOPSDevice: the host's devices" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused(_metadata, &cases[i]);
}

FIXTURE(state) {
	char dir[32];
	char out[64];
	json_t *state;
};

FIXTURE_SETUP(state)
{
	strcpy(self->dir, "/tmp/unit_oci_guest.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->out, sizeof(self->out), "%s/out", self->dir);
	self->state = json_pack("{s:s, s:s}", "id", "c1", "bundle", self->dir);
}

FIXTURE_TEARDOWN(state)
{
	json_decref(self->state);
	unlink(self->out);
	rmdir(self->dir);
}

/* Runs hooks, an array of JSON. */
static int run(const json_t *state, const char *which, const char *text)
{
	json_t *config = json_object();
	char path[64];
	int result;

	snprintf(path, sizeof(path), "hooks.%s", which);
	if (field_set(config, path, parse(text)))
		abort();
	result = hooks_run(config, which, state);
	json_decref(config);
	return result;
}

/* What hooks wrote to "out" of the bundle. */
static const char *output(const char *path)
{
	static char text[256];
	FILE *file = fopen(path, "r");

	memset(text, 0, sizeof(text));
	if (file) {
		if (fread(text, 1, sizeof(text) - 1, file) == 0)
			text[0] = 0;
		fclose(file);
	}
	unlink(path);
	return text;
}

#define SHELL(script)	"{'path': '/bin/sh', 'args': ['hook', '-c', '" script "']}"

TEST_F(state, run)
{
	json_t *config = json_object();

	EXPECT_EQ(0, hooks_run(config, "prestart", self->state));
	json_decref(config);
	EXPECT_EQ(0, run(self->state, "prestart", "[]"));
	/* In order, in the bundle, each with the state. */
	ASSERT_EQ(0, run(self->state, "prestart",
			 "[" SHELL("cat >>out") ", " SHELL("echo $0 >>out; cat >>out") "]")) {
		TH_LOG("%s", error_text());
	}
	{
		cleanup_free char *state = json_dumps(self->state, JSON_COMPACT);
		cleanup_free char *wanted = NULL;

		ASSERT_LT(0, asprintf(&wanted, "%shook\n%s", state, state));
		EXPECT_STREQ(wanted, output(self->out));
	}
}

TEST_F(state, environment)
{
	setenv("UNIT_OCI_GUEST", "ours", 1);
	ASSERT_EQ(0, run(self->state, "prestart", "[" SHELL("echo $UNIT_OCI_GUEST >out") "]"));
	EXPECT_STREQ("ours\n", output(self->out));
	ASSERT_EQ(0, run(self->state, "prestart",
			 "[{'path': '/bin/sh', 'env': ['A=1', 'B=2'],\n"
			 " 'args': ['hook', '-c', 'echo $A$B$UNIT_OCI_GUEST >out']}]"));
	EXPECT_STREQ("12\n", output(self->out));
	ASSERT_EQ(0, run(self->state, "prestart",
			 "[{'path': '/bin/sh', 'env': [],\n"
			 " 'args': ['hook', '-c', 'echo -$UNIT_OCI_GUEST- >out']}]"));
	EXPECT_STREQ("--\n", output(self->out));
	/* Without arguments there is the name alone. */
	ASSERT_EQ(0, run(self->state, "prestart", "[{'path': '/bin/true'}]"));
	/* What isn't read hinders nobody, and descriptors aren't inherited. */
	ASSERT_LE(0, dup2(STDERR_FILENO, 77));
	ASSERT_EQ(0, run(self->state, "prestart", "[" SHELL("! test -e /dev/fd/77") "]"));
	close(77);
}

TEST_F(state, failing)
{
	static const char *const cases[][2] = {
		{ "[" SHELL("exit 3") "]", "hooks.createRuntime[0]: /bin/sh: exit status 3" },
		{ "[" SHELL("true") ", " SHELL("kill -9 $$") "]",
		  "hooks.createRuntime[1]: /bin/sh: killed by signal 9" },
		{ "[{'path': '/nonesuch'}]", "/nonesuch: exit status 127; is there such a" },
		{ "[{'path': '/etc/passwd'}]", "/etc/passwd: exit status 126" },
		{ "[{'path': 'sh'}]", "hooks.createRuntime[0]: sh: path: not an absolute path" },
		{ "[{}]", "path: not an absolute path" },
		{ "[{'path': 1}]", "hooks.createRuntime[0]: path: not a string" },
		{ "[1]", "hooks.createRuntime[0]: not an object" },
		{ "{}", "hooks.createRuntime: not an array" },
		{ "[{'path': '/bin/true', 'args': 'x'}]", "args: not an array" },
		{ "[{'path': '/bin/true', 'args': [1]}]", "args[0]: not a string" },
		{ "[{'path': '/bin/true', 'env': [{}]}]", "env[0]: not a string" },
		{ "[{'path': '/bin/true', 'timeout': 0}]", "timeout: 0: out of range" },
		{ "[{'path': '/bin/true', 'timeout': -1}]", "timeout: -1: out of range" },
		{ "[{'path': '/bin/true', 'timeout': '5'}]", "timeout: not an integer" },
		{ "[{'path': '/bin/true', 'timeout': 9223372036854775807}]", "out of range" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-1, run(self->state, "createRuntime", cases[i][0])) {
			TH_LOG("%s", cases[i][0]);
		}
		EXPECT_ERROR(cases[i][1]);
	}
	/* The rest is not run. */
	EXPECT_EQ(-1, run(self->state, "createRuntime",
			  "[" SHELL("exit 1") ", " SHELL("echo >out") "]"));
	EXPECT_NE(0, access(self->out, F_OK));
}

TEST_F(state, poststop)
{
	int saved = dup(STDERR_FILENO);
	int out = open(self->out, O_CREAT | O_APPEND | O_WRONLY, 0600);
	const char *text;

	ASSERT_LE(0, dup2(out, STDERR_FILENO));
	EXPECT_EQ(0, run(self->state, "poststop",
			 "[" SHELL("exit 5") ", " SHELL("echo ran >>out") "]"));
	close(out);
	dup2(saved, STDERR_FILENO);
	close(saved);
	text = output(self->out);
	EXPECT_EQ(text, strstr(text, "bulkhead: hooks.poststop[0]: /bin/sh: exit status 5; run"));
	EXPECT_NE(NULL, strstr(text, "\nran\n"));
}

TEST_F(state, timeout)
{
	uint64_t start = timeout_clock();

	/* The shell's child, which would hold the pipe, goes with it. */
	EXPECT_EQ(-1, run(self->state, "prestart",
			  "[{'path': '/bin/sh', 'timeout': 1,\n"
			  " 'args': ['hook', '-c', 'sleep 100 & echo $! >out; wait']}]"));
	EXPECT_ERROR("/bin/sh: killed, it took longer than its timeout of 1 s");
	EXPECT_LE(1000, timeout_clock() - start);
	EXPECT_GT(50000, timeout_clock() - start);
	{
		pid_t child = atoi(output(self->out));
		uint64_t deadline = timeout_clock() + 10000;

		ASSERT_LT(1, child);
		while (!kill(child, 0) && timeout_clock() < deadline) {
			char stat[64], text[256] = "";
			FILE *file;

			/* Nobody may be there to wait for it. */
			snprintf(stat, sizeof(stat), "/proc/%d/stat", child);
			file = fopen(stat, "r");
			if (!file)
				break;
			if (!fgets(text, sizeof(text), file))
				text[0] = 0;
			fclose(file);
			if (strstr(text, ") Z "))
				break;
		}
		EXPECT_GT(deadline, timeout_clock());
	}
	ASSERT_EQ(0, run(self->state, "prestart", "[{'path': '/bin/true', 'timeout': 60}]"));
}

TEST_HARNESS_MAIN
