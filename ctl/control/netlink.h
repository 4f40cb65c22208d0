/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family "bulkhead", see uapi/bulkhead.yaml. */
#ifndef BULKHEAD_NETLINK_H
#define BULKHEAD_NETLINK_H

#include <linux/bulkhead_netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bulkhead.h>
#include <linux/bulkhead_machine.h>

/* A virtio device of a partition. */
struct part_device {
	uint32_t slot;
	uint32_t type;
	uint64_t counts[BULKHEAD_A_DEVICE_ERRORS + 1];	/* by attribute, from KICKS on */
	bool failed;
	bool link_down;		/* of a network device */
};

/* A partition as part-get and the events tell of it. */
struct part {
	uint32_t id;
	char name[BULKHEAD_NAME_MAX];	/* empty if it has none */
	uint32_t state;
	uint32_t owner;
	uint32_t runner;
	uint64_t memory;
	uint32_t vcpus;
	uint32_t cid;
	uint64_t uptime;
	bool has_reason;
	uint32_t reason;
	bool has_exit_status;
	uint32_t exit_status;
	bool has_exits;
	uint64_t exits[BULKHEAD_A_EXITS_MAX + 1];
	unsigned int n_devices;
	struct part_device devices[BULKHEAD_VIRTIO_MAX];
	bool has_balloon;
	uint64_t memory_target;
	uint64_t memory_actual;
	uint32_t stats_present;	/* bits by attribute; none if the guest has reported nothing */
	uint64_t stats[BULKHEAD_A_BALLOON_MAX + 1];
};

struct netlink;

struct netlink *netlink_open(void);
void netlink_close(struct netlink *netlink);

static inline void netlink_closep(struct netlink **netlink)
{
	netlink_close(*netlink);
}

#define cleanup_netlink	__attribute__((cleanup(netlink_closep)))

/* errno is that of the kernel's answer, ENODEV if there is no such partition. */
int netlink_get(struct netlink *netlink, uint32_t id, struct part *part);
int netlink_kill(struct netlink *netlink, uint32_t id);
int netlink_kill_unresponsive(struct netlink *netlink, uint32_t id);
int netlink_stop(struct netlink *netlink, uint32_t id);
int netlink_rescan(struct netlink *netlink, uint32_t id);
int netlink_set_memory(struct netlink *netlink, uint32_t id, uint64_t target);

/* All partitions, to be freed. */
int netlink_list(struct netlink *netlink, struct part **parts, size_t *n);

/* The partition that the user named by its id or name. */
int netlink_find(struct netlink *netlink, const char *id_or_name, struct part *part);

/*
 * From netlink_subscribe() on, @netlink gets the events, and is for nothing else. netlink_wait()
 * waits for one, @timeout milliseconds at most; which one, is for the caller to find out.
 */
int netlink_subscribe(struct netlink *netlink);
int netlink_wait(struct netlink *netlink, int timeout);

/*
 * Calls @event for each event, a BULKHEAD_CMD_PART_*, from now on. Ends when that returns nonzero,
 * and else only with an error.
 */
int netlink_monitor(struct netlink *netlink,
		    int (*event)(unsigned int command, const struct part *part));

#endif
