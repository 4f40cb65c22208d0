// SPDX-License-Identifier: GPL-2.0-only
/* Networks: published ports, lists of plugins, their results, and names. Needs no VM. */
#include "../ctl/base/child.c"
#include "../ctl/base/error.c"
#include "../ctl/base/file.c"
#include "../ctl/base/timeout.c"
#include "../ctl/net/cni.c"
#include "../ctl/net/conflist.c"
#include "../ctl/net/names.c"
#include "../ctl/net/publish.c"
#include "../ctl/oci/field.c"
#include "unit_json.h"

#include <ftw.h>

static bool is_mapping(const char *text, int host, int guest, const char *protocol, const char *ip)
{
	json_t *mapping = publish_parse(text);
	json_t *wanted = json_pack("{s:i, s:i, s:s, s:s*}", "hostPort", host, "containerPort",
				   guest, "protocol", protocol, "hostIP", ip);
	bool same = json_equal(mapping, wanted);

	json_decref(mapping);
	json_decref(wanted);
	return same;
}

TEST(publish)
{
	static const char *const bad[][2] = {
		{ "", "not [ADDRESS:]HOST:GUEST" }, { "80", "not [ADDRESS:]HOST:GUEST" },
		{ "1:2:3:4", "not [ADDRESS:]HOST:GUEST" }, { "::1:80:80", "not [ADDRESS:]" },
		{ "[::2]80:80", "not [ADDRESS:]" }, { "[::2:80:80", "not [ADDRESS:]" },
		{ "[::2]:80", "not [ADDRESS:]" },
		{ ":80", "not a port" }, { "80:", "not a port" }, { "0:80", "not a port" },
		{ "80:0", "not a port" }, { "65536:80", "not a port" },
		{ "80:4294967377", "not a port" }, { "-1:80", "not a port" },
		{ "+80:80", "not a port" }, { "80 :80", "not a port" }, { "0x50:80", "not a port" },
		{ "8080-8081:80-81", "not a port" },
		{ "80:80/", "neither tcp nor udp" }, { "80:80/sctp", "neither tcp nor udp" },
		{ "80:80/TCP", "neither tcp nor udp" }, { "80:80/tcp/udp", "neither tcp nor udp" },
		{ "1.2.3:80:80", "1.2.3: not an address" }, { ":80:80", "not an address" },
		{ "host:80:80", "host: not an address" }, { "[]:80:80", "not an address" },
		{ "[1.2.3.4]:80:80", "brackets are for" },
		{ "[::1]:80:80", "nothing can be redirected from it" },
	};

	EXPECT_TRUE(is_mapping("8080:80", 8080, 80, "tcp", NULL));
	EXPECT_TRUE(is_mapping("1:65535/tcp", 1, 65535, "tcp", NULL));
	EXPECT_TRUE(is_mapping("53:5353/udp", 53, 5353, "udp", NULL));
	EXPECT_TRUE(is_mapping("127.0.0.1:8080:80", 8080, 80, "tcp", "127.0.0.1"));
	EXPECT_TRUE(is_mapping("[fd00::1]:8080:80/udp", 8080, 80, "udp", "fd00::1"));
	EXPECT_TRUE(is_mapping("[::]:8080:80", 8080, 80, "tcp", "::"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(NULL, publish_parse(bad[i][0])) {
			TH_LOG("%s", bad[i][0]);
		}
		EXPECT_ERROR(bad[i][1]);
	}
}

TEST(reserve)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(addr);
	json_t *ports;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&addr, &length));
	ports = json_pack("[{s:i, s:s}]", "hostPort", ntohs(addr.sin_port), "protocol", "tcp");
	EXPECT_EQ(-1, publish_reserve(ports));
	EXPECT_ERROR("/tcp is in use on this host");
	close(fd);
	EXPECT_EQ(0, publish_reserve(ports));
	/* It has it now. */
	EXPECT_EQ(-1, publish_reserve(ports));
	json_decref(ports);
	ports = parse("[{'hostPort': 9, 'protocol': 'udp', 'hostIP': '192.0.2.1'}]");
	EXPECT_EQ(-1, publish_reserve(ports));
	EXPECT_ERROR("port 9/udp: 192.0.2.1 is no address of this host's");
	json_decref(ports);
}

FIXTURE(directory) {
	char path[32];
};

FIXTURE_SETUP(directory)
{
	strcpy(self->path, "/tmp/unit_net.XXXXXX");
	ASSERT_TRUE(mkdtemp(self->path));
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

FIXTURE_TEARDOWN(directory)
{
	nftw(self->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_list(const char *directory, const char *name, const char *text)
{
	char path[64];
	json_t *json = parse(text);

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (json_dump_file(json, path, 0))
		abort();
	json_decref(json);
}

TEST_F(directory, lists)
{
	static const char *const bad[][2] = {
		{ "{'name': 'a'}", "cniVersion: missing" },
		{ "{'name': 'a', 'cniVersion': 1}", "cniVersion: not a string" },
		{ "{'name': 'a', 'cniVersion': '0.2.0', 'plugins': []}", "0.2.0: unknown" },
		{ "{'name': 'a', 'cniVersion': '1.0.0'}", "plugins: missing" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': {}}", "plugins: not an array" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': []}", "plugins: empty" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': [1]}", "[0]: not an object" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': [{}]}", "[0]: type: missing" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': [{'type': '../a'}]}",
		  "[0]: type: ../a: not a plugin's name" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': [{'type': ''}]}",
		  "not a plugin's name" },
		{ "{'name': 'a', 'cniVersion': '1.0.0', 'plugins': [{'type': 'b',\n"
		  " 'capabilities': []}]}", "capabilities: not an object" },
	};
	static const char good[] = "{'name': 'b', 'cniVersion': '0.4.0', 'plugins': [\n"
				   " {'type': 'c'}, {'type': 'd',\n"
				   "  'capabilities': {'x': true, 'y': false}}]}";
	json_t *list, *wanted = parse(good);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_list(self->path, "10-a.conflist", bad[i][0]);
		EXPECT_EQ(NULL, conflist_find(self->path, "a")) {
			TH_LOG("%s", bad[i][0]);
		}
		EXPECT_ERROR("10-a.conflist: ");
		EXPECT_ERROR(bad[i][1]);
	}
	/* That of another isn't looked at; and other files aren't at all. */
	write_list(self->path, "20-b.conflist", good);
	write_list(self->path, "15-b.conf", "{'name': 'b'}");
	list = conflist_find(self->path, "b");
	EXPECT_TRUE(json_equal(list, wanted));
	EXPECT_TRUE(conflist_can(list, "x"));
	EXPECT_FALSE(conflist_can(list, "y"));
	EXPECT_FALSE(conflist_can(list, "z"));
	json_decref(list);
	json_decref(wanted);
	EXPECT_EQ(NULL, conflist_find(self->path, "c"));
	EXPECT_ERROR("c: no such network");
	EXPECT_EQ(NULL, conflist_find("/nonesuch", "c"));
	EXPECT_ERROR("c: no such network");
}

TEST_F(directory, built_in)
{
	json_t *list = conflist_find(self->path, CONFLIST_DEFAULT), *type;

	ASSERT_NE(NULL, list);
	EXPECT_EQ(0, check_list(list));
	EXPECT_TRUE(conflist_can(list, "portMappings"));
	json_decref(list);
	/* A file's takes its place. */
	write_list(self->path, "a.conflist",
		   "{'name': 'bulkhead', 'cniVersion': '1.0.0', 'plugins': [{'type': 'x'}]}");
	list = conflist_find(self->path, CONFLIST_DEFAULT);
	type = json_object_get(json_array_get(json_object_get(list, "plugins"), 0), "type");
	EXPECT_STREQ("x", json_string_value(type));
	json_decref(list);
}

/* What a plugin gets. */
TEST(config)
{
	json_t *list = parse("{'name': 'n', 'cniVersion': '1.0.0', 'plugins': [\n"
			     "{'type': 'a', 'name': 'x', 'cniVersion': '0.1.0'},\n"
			     "{'type': 'b', 'capabilities': {'portMappings': true}}]}");
	json_t *ports = parse("[{'hostPort': 1}]"), *result = parse("{'ips': []}");
	json_t *first = parse("{'type': 'a', 'name': 'n', 'cniVersion': '1.0.0'}");
	json_t *second = parse("{'type': 'b', 'name': 'n', 'cniVersion': '1.0.0',\n"
			       "'capabilities': {'portMappings': true}, 'prevResult': {'ips': []},\n"
			       "'runtimeConfig': {'portMappings': [{'hostPort': 1}]}}");
	json_t *connection = cni_make("id", list, ports), *config;

	config = make_config(connection, 0);
	EXPECT_TRUE(json_equal(first, config));
	json_decref(config);
	json_object_set(connection, "result", result);
	config = make_config(connection, 1);
	EXPECT_TRUE(json_equal(second, config));
	json_decref(config);
	json_decref(connection);
	json_decref(second);
	json_decref(first);
	json_decref(result);
	json_decref(ports);
	json_decref(list);
}

TEST(results)
{
	static const char *const good[] = {
		"{}", "{'ips': []}", "{'ips': [{'address': '10.0.0.1/8'}], 'dns': {}}",
		"{'ips': [{'address': 'fd00::1/64'}], 'dns': {'nameservers': ['10.0.0.1']}}",
	};
	static const char *const bad[][2] = {
		{ "[]", "not an object" }, { "{'ips': {}}", "ips: not an array" },
		{ "{'ips': [1]}", "ips[0]: not an object" },
		{ "{'ips': [{}]}", "ips[0]: address: missing" },
		{ "{'ips': [{'address': 1}]}", "ips[0]: address: not a string" },
		{ "{'ips': [{'address': '10.0.0.1'}]}", "no prefix" },
		{ "{'ips': [{'address': '10.0.0.256/8'}]}", "malformed" },
		{ "{'ips': [{'address': 'fd00::1::2/8'}]}", "malformed" },
		{ "{'dns': 1}", "dns: not an object" },
		{ "{'dns': {'nameservers': [1]}}", "dns.nameservers[0]: not a string" },
		{ "{'dns': {'search': ['a\\nb']}}", "dns.search[0]: more than a word" },
		{ "{'dns': {'domain': 'a\\nnameserver 1.2.3.4'}}", "dns.domain: more than" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		json_t *result = parse(good[i]);

		EXPECT_EQ(0, cni_check_result(result)) {
			TH_LOG("%s", good[i]);
		}
		json_decref(result);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_t *result = parse(bad[i][0]);

		EXPECT_EQ(-1, cni_check_result(result)) {
			TH_LOG("%s", bad[i][0]);
		}
		EXPECT_ERROR(bad[i][1]);
		json_decref(result);
	}
}

TEST(errors)
{
	static const char *const cases[][2] = {
		{ "{'code': 11, 'msg': 'no'}", "CNI plugin p: no" },
		{ "{'msg': 'no\\n', 'details': 'since\\n\\tnot \\u001b[1m'}",
		  "CNI plugin p: no: since  not [1m" },
		{ "{'code': 11}", "CNI plugin p failed" }, { "1", "CNI plugin p failed" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *json = parse(cases[i][0]);

		EXPECT_EQ(-1, cni_fail("p", json));
		EXPECT_ERROR(cases[i][1]);
		json_decref(json);
	}
	EXPECT_EQ(-1, cni_fail("p", NULL));
	EXPECT_ERROR("CNI plugin p failed");
}

/* What it started goes with it: see the timeout of a hook in unit_oci_guest. */
TEST_F(directory, timeout)
{
	struct call call = { .command = "ADD", .id = "id" };
	int file = open_file("");
	char path[64];
	int program;

	snprintf(path, sizeof(path), "%s/plugin", self->path);
	program = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	ASSERT_LT(0, dprintf(program, "#!/bin/sh\n[ $CNI_COMMAND = DEL ] || sleep 1000\n"));
	close(program);
	EXPECT_EQ(-1, run_program(path, &call, file, file, 1));
	EXPECT_ERROR("killed, it took longer than its timeout of 1 s");
	call.command = "DEL";
	EXPECT_EQ(0, run_program(path, &call, file, file, 60));
	close(file);
}

TEST_F(directory, names)
{
	json_t *result = parse("{'ips': [{'address': '10.0.0.2/8'}, {'address': 'fd00::2/64'}]}");
	json_t *dns = parse("{'dns': {'nameservers': ['1.2.3.4'], 'options': ['a', 'b']}}");
	char *text, path[64];
	size_t length;
	FILE *file;

	file = open_memstream(&text, &length);
	names_write_hosts(file, result, "name");
	fclose(file);
	EXPECT_STREQ("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
		     "10.0.0.2\tname\nfd00::2\tname\n", text);
	free(text);

	snprintf(path, sizeof(path), "%s/resolv.conf", self->path);
	file = fopen(path, "w");
	fputs("# x\n\tnameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.1\n"
	      "nameserver fe80::1%eth0\noptions a\n", file);
	fclose(file);
	file = open_memstream(&text, &length);
	names_write_resolver(file, result, path);
	fclose(file);
	EXPECT_STREQ("# x\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\noptions a\n", text);
	free(text);

	file = open_memstream(&text, &length);
	names_write_resolver(file, dns, path);
	fclose(file);
	EXPECT_STREQ("nameserver 1.2.3.4\noptions a b\n", text);
	free(text);
	json_decref(dns);
	json_decref(result);
}

TEST_HARNESS_MAIN
