// SPDX-License-Identifier: GPL-2.0-only
#include "machine/vsock.h"
#include "base/error.h"

#include <errno.h>
#include <endian.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stddef.h>
#include <sys/ioctl.h>

#define DEVICE		"/dev/vhost-vsock"

/*
 * Virtio 1.2, section 5.10: the queues of what the driver receives, of what it sends, and of
 * events. vhost has the first two. An event would tell that the guest was moved to another host,
 * and it isn't.
 */
#define QUEUES		3
#define QUEUES_VHOST	2
#define QUEUE_MAX	256

static struct vsock *to_vsock(struct external *external)
{
	return (struct vsock *)((char *)external - offsetof(struct vsock, external));
}

static int start(struct external *external, const struct bulkhead_external_get *state)
{
	struct vsock *vsock = to_vsock(external);
	int on = 1;

	if (vhost_set_queues(&vsock->vhost, external, state, 0, QUEUES_VHOST))
		return -1;
	if (ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_RUNNING, &on))
		return fail_errno("%s: can't let the backend run", external->name);
	return 0;
}

static int stop(struct external *external)
{
	struct vsock *vsock = to_vsock(external);
	int off = 0;

	if (!ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_RUNNING, &off)) {
		vhost_clear_failure(external);
		return 0;
	}
	fail_errno("%s: can't halt the backend", external->name);
	/* That stops it in any case, for good. */
	vhost_close(&vsock->vhost);
	return -1;
}

static const struct external_ops ops = {
	.start = start,
	.stop = stop,
};

static int set_cid(const struct vsock *vsock, uint64_t cid)
{
	if (!ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_GUEST_CID, &cid))
		return 0;
	if (errno == EADDRINUSE)
		return fail("vsock: CID %lu: another program's VM has it; run again for the next",
			    cid);
	return fail_errno("vsock: can't take CID %lu", cid);
}

int vsock_create(struct vsock *vsock, int partition, uint32_t id, const struct memory *memory)
{
	const uint64_t cid = BULKHEAD_CID_BASE + (uint64_t)id;
	const struct virtio_vsock_config config = { .guest_cid = htole64(cid) };
	int result = vhost_open(&vsock->vhost, DEVICE, memory);

	vsock->external = (struct external){ .name = "vsock", .ops = &ops, .fd = -1 };
	if (result > 0) {
		fail("%s; %s", error_text(), errno == EACCES || errno == EPERM ?
		     "be root, or in the group that owns it" : "modprobe vhost_vsock");
		return 0;
	}
	if (result || set_cid(vsock, cid) || vhost_watch(&vsock->external))
		return -1;

	const struct external_setup setup = {
		.device = VIRTIO_ID_VSOCK,
		.queues = QUEUES,
		.queue_max = QUEUE_MAX,
		.features = vsock->vhost.features,
		.config = &config,
		.config_bytes = sizeof(config),
	};

	return external_create(&vsock->external, partition, &setup);
}

int vsock_start(struct vsock *vsock)
{
	return vsock_exists(vsock) ? external_start(&vsock->external) : 0;
}
