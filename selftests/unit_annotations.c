// SPDX-License-Identifier: GPL-2.0-only
/* What annotations may ask for, and what the administrator allows. Needs no VM. */
#include "../ctl/base/error.c"
#include "../ctl/base/size.c"
#include "../ctl/machine/memory.c"
#include "../ctl/runtime/annotations.c"
#include "../ctl/runtime/isolation.c"
#include "unit_json.h"

static int read_text(const char *annotations, const struct policy *policy, struct wishes *wishes,
		     json_t **config)
{
	json_t *object = parse(annotations);

	*config = json_pack("{s:o}", "annotations", object);
	return annotations_read(*config, policy, wishes);
}

TEST(heard)
{
	const struct policy policy = { .names = "append cpus isolation kernel memory" };
	struct wishes wishes;
	json_t *config;

	ASSERT_EQ(0, read_text("{'bulkhead.isolation': 'process',\n"
			       " 'bulkhead.kernel': '/boot/vmlinuz-7',\n"
			       " 'bulkhead.memory': '1G', 'bulkhead.cpus': '3',\n"
			       " 'bulkhead.append': 'quiet', 'org.other': 'x'}",
			       &policy, &wishes, &config));
	EXPECT_STREQ("process", wishes.isolation);
	EXPECT_STREQ("/boot/vmlinuz-7", wishes.kernel);
	EXPECT_STREQ("quiet", wishes.append);
	EXPECT_EQ(1ULL << 30, wishes.memory);
	EXPECT_EQ(3, wishes.cpus);
	json_decref(config);

	ASSERT_EQ(0, read_text("{}", &policy, &wishes, &config));
	EXPECT_EQ(NULL, wishes.isolation);
	EXPECT_EQ(0, wishes.memory);
	json_decref(config);
	ASSERT_EQ(0, annotations_read(json_null(), &policy, &wishes));
}

TEST(refused)
{
	static const struct policy plain = { 0 };
	static const struct policy strict = {
		.names = "cpus, memory", .memory = 1 << 30, .cpus = 2,
	};
	static const struct policy kernels = { .kernels = "/srv/kernels/*" };
	static const struct {
		const struct policy *policy;
		const char *annotations;
		const char *error;
	} cases[] = {
		{ &plain, "{'bulkhead.isolation': 'none'}", "neither partition nor process" },
		{ &plain, "{'bulkhead.isolation': 7}", "bulkhead.isolation: not a string" },
		{ &plain, "{'bulkhead.isolations': 'process'}", "no such annotation" },
		{ &plain, "{'bulkhead.append': 'x'}", "bulkhead.append: not allowed here" },
		{ &plain, "{'bulkhead.kernel': '/etc/shadow'}", "/etc/shadow: not allowed" },
		{ &plain, "{'bulkhead.kernel': '/boot/vmlinuz-/../../etc/shadow'}", "not allowed" },
		{ &plain, "{'bulkhead.kernel': 'vmlinuz'}", "not allowed" },
		{ &plain, "{'bulkhead.memory': 'much'}", "bulkhead.memory: " },
		{ &plain, "{'bulkhead.cpus': '0'}", "not a number of vCPUs" },
		{ &plain, "{'bulkhead.cpus': '-1'}", "not a number of vCPUs" },
		{ &plain, "{'bulkhead.cpus': '1x'}", "not a number of vCPUs" },
		{ &plain, "{'bulkhead.cpus': '65'}", "more than 64" },
		{ &strict, "{'bulkhead.cpus': '3'}", "more than 2" },
		{ &strict, "{'bulkhead.memory': '2G'}", "more than annotation-memory" },
		{ &strict, "{'bulkhead.isolation': 'process'}", "not allowed here" },
		{ &kernels, "{'bulkhead.kernel': '/boot/vmlinuz-7'}", "allows /srv/kernels/*" },
		{ &kernels, "{'bulkhead.kernel': '/srv/kernels/a/b'}", "not allowed" },
	};
	struct wishes wishes;
	json_t *config;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-1, read_text(cases[i].annotations, cases[i].policy, &wishes, &config)) {
			TH_LOG("%s", cases[i].annotations);
		}
		EXPECT_ERROR(cases[i].error);
		json_decref(config);
	}
}

TEST_HARNESS_MAIN
