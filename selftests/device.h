/* SPDX-License-Identifier: GPL-2.0-only */
/* A partition with virtio devices, a worker, and a guest of guests/; its devices' counters. */
#ifndef SELFTESTS_DEVICE_H
#define SELFTESTS_DEVICE_H

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "guest.h"
#include "guests/report.h"

struct machine {
	struct guest guest;
	volatile struct report *report;
	pthread_t worker;
	pthread_t vcpu;
	pthread_t second;
};

static inline int rng_create(int part, int irq_fd)
{
	struct bulkhead_rng_create args = { .size = sizeof(args), .irq_fd = irq_fd };

	return ioctl(part, BULKHEAD_RNG_CREATE, &args);
}

/* Creates a device with @create, and its interrupt; returns its slot. */
static inline int device_create(int part, int (*create)(int part, int irq_fd))
{
	int irq = eventfd(0, EFD_CLOEXEC);
	int slot = create(part, irq);

	close(irq);
	return slot;
}

/* A guest of guests/, with one or two vCPUs, that isn't running yet and has no devices. */
static inline bool machine_create_vcpus(struct machine *m, const char *code, const char *end,
					__u32 scenario, __u32 vcpus)
{
	if (!guest_create_vcpus(&m->guest, "", code, end, vcpus))
		return false;
	m->report = (volatile struct report *)(m->guest.ram + GUEST_DATA);
	m->report->scenario = scenario;
	return true;
}

static inline bool machine_create(struct machine *m, const char *code, const char *end,
				  __u32 scenario)
{
	return machine_create_vcpus(m, code, end, scenario, 1);
}

static inline void *machine_worker(void *arg)
{
	const struct machine *m = arg;
	struct bulkhead_worker_run args = { .size = sizeof(args) };

	return (void *)(long)ioctl(m->guest.part, BULKHEAD_WORKER_RUN, &args);
}

static inline void *machine_vcpu(void *arg)
{
	const struct machine *m = arg;
	struct bulkhead_vcpu_run run;

	if (vcpu_run(m->guest.vcpu, &run) || run.reason != BULKHEAD_REASON_POWEROFF)
		return (void *)-1L;
	return (void *)(long)run.exit_status;
}

static inline void *machine_second(void *arg)
{
	const struct machine *m = arg;
	struct bulkhead_vcpu_run run;

	return (void *)(long)vcpu_run(m->guest.second, &run);
}

static inline bool machine_start(struct machine *m)
{
	return !pthread_create(&m->worker, NULL, machine_worker, m) &&
	       (m->guest.second < 0 || !pthread_create(&m->second, NULL, machine_second, m)) &&
	       !pthread_create(&m->vcpu, NULL, machine_vcpu, m);
}

/* Waits for the guest to power off: zero if all went well in it. */
static inline long machine_wait(struct machine *m)
{
	void *status, *worker, *second = NULL;

	pthread_join(m->vcpu, &status);
	pthread_join(m->worker, &worker);
	if (m->guest.second >= 0)
		pthread_join(m->second, &second);
	if (m->report->line)
		printf("# guest: line %u: %#llx wanted, %#llx found\n", m->report->line,
		       m->report->wanted, m->report->got);
	return (long)status ?: (long)worker ?: (long)second;
}

static inline void machine_destroy(struct machine *m)
{
	guest_destroy(&m->guest);
}

struct device_query {
	__u32 slot;
	struct nlattr *attrs[BULKHEAD_A_DEVICE_MAX + 1];
	unsigned long long values[BULKHEAD_A_DEVICE_MAX + 1];
	bool found;
};

static inline int device_on_valid(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(msg));
	struct device_query *query = arg;
	struct nlattr *attr;
	int rest, i;

	nla_for_each_attr(attr, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0), rest) {
		if (nla_type(attr) != BULKHEAD_A_PART_DEVICE)
			continue;
		nla_parse_nested(query->attrs, BULKHEAD_A_DEVICE_MAX, attr, NULL);
		if (nla_get_u32(query->attrs[BULKHEAD_A_DEVICE_SLOT]) != query->slot)
			continue;
		query->found = true;
		for (i = BULKHEAD_A_DEVICE_KICKS; i <= BULKHEAD_A_DEVICE_ERRORS; i++)
			query->values[i] = nla_get_u64(query->attrs[i]);
		query->values[BULKHEAD_A_DEVICE_TYPE] =
			nla_get_u32(query->attrs[BULKHEAD_A_DEVICE_TYPE]);
	}
	return NL_OK;
}

/* A counter of the device in @slot, BULKHEAD_A_DEVICE_*, as netlink tells it; -1 if it can't. */
static inline long long device_count(const struct machine *m, __u32 slot, int attr)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	struct device_query query = { .slot = slot };

	if (genl_connect(sock))
		return -1;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, device_on_valid, &query);
	genlmsg_put(msg, 0, 0, genl_ctrl_resolve(sock, BULKHEAD_FAMILY_NAME), 0, 0,
		    BULKHEAD_CMD_PART_GET, BULKHEAD_FAMILY_VERSION);
	nla_put_u32(msg, BULKHEAD_A_PART_ID, m->guest.id);
	if (nl_send_sync(sock, msg) < 0)
		query.found = false;
	nl_socket_free(sock);
	return query.found ? (long long)query.values[attr] : -1;
}

#endif
