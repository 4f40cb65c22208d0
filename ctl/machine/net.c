// SPDX-License-Identifier: GPL-2.0-only
/* Virtio 1.2, section 5.1. */
#include "machine/net.h"
#include "base/error.h"

#include <endian.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE		"/dev/vhost-net"

#define BIT(n)		(1ULL << (n))

#define QUEUE_MAX	256

/* Queues of a pair, and where the control queue is if the driver doesn't know of several pairs. */
#define PAIR		2

/* What the driver may leave to the device, and so to the tap. */
#define OFFLOADS	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | \
			 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN))

/* And the device to the driver, by what the tap is told of each. */
static const struct {
	unsigned int feature;
	unsigned int offload;
} guest_offloads[] = {
	{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
	{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
	{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
};

static struct net *to_net(struct external *external)
{
	return (struct net *)((char *)external - offsetof(struct net, external));
}

static int set_offloads(const struct net *net, uint64_t features)
{
	unsigned int offloads = 0;

	for (size_t i = 0; i < sizeof(guest_offloads) / sizeof(guest_offloads[0]); i++)
		if (features & BIT(guest_offloads[i].feature))
			offloads |= guest_offloads[i].offload;
	if (ioctl(net->nic->taps[0], TUNSETOFFLOAD, offloads))
		return fail_errno("%s: the tap refuses offloads %#x", net->external.name, offloads);
	return 0;
}

/* To packets of the host's, the tap has as many queues as it is told here. */
static int set_active_pairs(const struct net *net, unsigned int n)
{
	for (unsigned int i = 0; net->nic->pairs > 1 && i < net->nic->pairs; i++) {
		struct ifreq request = {
			.ifr_flags = i < n ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
		};

		/* EINVAL: it is what it is to be. */
		if (ioctl(net->nic->taps[i], TUNSETQUEUE, &request) && errno != EINVAL)
			return fail_errno("%s: can't use %u queues of the tap", net->external.name,
					  n);
	}
	return 0;
}

static int set_backend(const struct vhost *vhost, int tap)
{
	for (unsigned int i = 0; i < PAIR; i++) {
		struct vhost_vring_file backend = { .index = i, .fd = tap };

		if (ioctl(vhost->fd, VHOST_NET_SET_BACKEND, &backend))
			return -1;
	}
	return 0;
}

/* A driver may use fewer pairs than there are, down to one. */
static int start_pair(struct net *net, const struct bulkhead_external_get *state, unsigned int pair)
{
	const struct bulkhead_external_queue *queues = &state->queue[PAIR * pair];
	struct vhost *vhost = &net->vhosts[pair];

	if (pair && !(queues[0].size && queues[1].size))
		return 0;
	if (vhost_set_queues(vhost, &net->external, state, PAIR * pair, PAIR))
		return -1;
	if (set_backend(vhost, net->nic->taps[pair]))
		return fail_errno("%s: the backend doesn't take the tap", net->external.name);
	return 0;
}

static unsigned int pairs_of(const struct net *net, uint64_t features)
{
	return features & BIT(VIRTIO_NET_F_MQ) ? net->nic->pairs : 1;
}

static void find_control(struct net *net, const struct bulkhead_external_get *state)
{
	unsigned int index = PAIR * pairs_of(net, state->features);

	net->external.own = -1;
	if (!(state->features & BIT(VIRTIO_NET_F_CTRL_VQ)) || !state->queue[index].size)
		return;
	queue_init(&net->control, net->memory, &state->queue[index]);
	net->external.own = net->external.kicks[index];
}

static int stop(struct external *external)
{
	struct net *net = to_net(external);
	int result = 0;

	external->own = -1;
	for (unsigned int i = 0; i < net->nic->pairs; i++) {
		if (net->vhosts[i].fd < 0 || !set_backend(&net->vhosts[i], -1))
			continue;
		result = fail_errno("%s: can't halt the backend", external->name);
		/* That stops it in any case, for good. */
		vhost_close(&net->vhosts[i]);
	}
	vhost_clear_failure(external);
	return result;
}

static int start(struct external *external, const struct bulkhead_external_get *state)
{
	struct net *net = to_net(external);
	unsigned int pairs = pairs_of(net, state->features);

	/* Virtio 1.2, section 5.1.6.5.5: until it asks for more, one pair. */
	if (set_offloads(net, state->features) || set_active_pairs(net, 1))
		return -1;
	for (unsigned int i = 0; i < pairs; i++) {
		if (!start_pair(net, state, i))
			continue;
		stop(external);
		return -1;
	}
	find_control(net, state);
	return 0;
}

/* Of a tap that is gone, one that does nothing takes the place. */
static int replace(struct external *external, const struct bulkhead_external_get *state)
{
	struct net *net = to_net(external);

	(void)state;
	if (!__atomic_load_n(&net->lost, __ATOMIC_ACQUIRE))
		return fail("%s: the guest's driver broke a queue", external->name);
	warn("%s: is gone, with what it was connected to", external->name);
	return stop(external);
}

/* The bytes of what the driver says, which may be in parts. */
static size_t gather(const struct chain *chain, uint8_t *bytes, size_t room)
{
	size_t length = 0;

	for (unsigned int i = 0; i < chain->n_in; i++) {
		size_t n = chain->in[i].iov_len;

		if (n > room - length)
			n = room - length;
		memcpy(bytes + length, chain->in[i].iov_base, n);
		length += n;
	}
	return length;
}

static bool take_command(const struct net *net, const struct chain *chain)
{
	struct {
		struct virtio_net_ctrl_hdr header;
		__le16 pairs;
	} __attribute__((packed)) command;
	unsigned int pairs;

	if (gather(chain, (uint8_t *)&command, sizeof(command)) != sizeof(command) ||
	    command.header.class != VIRTIO_NET_CTRL_MQ ||
	    command.header.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
		return false;
	pairs = le16toh(command.pairs);
	if (pairs < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || pairs > net->nic->pairs)
		return false;
	if (!set_active_pairs(net, pairs))
		return true;
	warn("%s", error_text());
	return false;
}

static void serve(struct external *external)
{
	struct net *net = to_net(external);
	struct chain chain;
	bool any = false;

	while (queue_take(&net->control, &chain)) {
		bool has_answer = chain.n_out && chain.out[0].iov_len;

		if (has_answer)
			*(uint8_t *)chain.out[0].iov_base =
				take_command(net, &chain) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
		queue_give(&net->control, &chain, has_answer);
		any = true;
	}
	if (any)
		eventfd_write(external->irq, 1);
}

static const struct external_ops ops = {
	.start = start,
	.stop = stop,
	.replace = replace,
	.serve = serve,
};

static int open_backends(struct net *net)
{
	for (unsigned int i = 0; i < net->nic->pairs; i++) {
		int result = vhost_open(&net->vhosts[i], DEVICE, net->memory);

		if (result > 0)
			return fail("%s; %s", error_text(), errno == EACCES || errno == EPERM ?
				    "be root" : "modprobe vhost_net");
		if (result)
			return -1;
	}
	return 0;
}

int net_create(struct net *net, int partition, const struct nic *nic, const struct memory *memory)
{
	struct virtio_net_config config = {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16(nic->pairs),
		.mtu = htole16(nic->mtu),
	};
	struct external_setup setup = {
		.device = VIRTIO_ID_NET,
		.queues = PAIR * nic->pairs,
		.queue_max = QUEUE_MAX,
		.config = &config,
		/* What comes after it is for features that there aren't. */
		.config_bytes = offsetof(struct virtio_net_config, speed),
	};

	*net = (struct net){ .memory = memory, .nic = nic };
	net->external = (struct external){ .name = nic->name, .ops = &ops, .fd = -1 };
	memcpy(config.mac, nic->mac, sizeof(config.mac));
	if (open_backends(net) || vhost_watch(&net->external))
		return -1;
	setup.features = net->vhosts[0].features | OFFLOADS | BIT(VIRTIO_NET_F_MAC) |
			 BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MTU);
	for (size_t i = 0; i < sizeof(guest_offloads) / sizeof(guest_offloads[0]); i++)
		setup.features |= BIT(guest_offloads[i].feature);
	if (nic->pairs > 1) {
		setup.features |= BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_VQ);
		setup.queues++;
	}
	return external_create(&net->external, partition, &setup);
}

int net_start(struct net *net)
{
	return external_start(&net->external);
}

int net_set_link(struct net *net, bool up)
{
	const __le16 status = htole16(up ? VIRTIO_NET_S_LINK_UP : 0);
	struct bulkhead_external_config_set args = {
		.size = sizeof(args),
		.offset = offsetof(struct virtio_net_config, status),
		.bytes = sizeof(status),
		.data = (uintptr_t)&status,
	};

	if (ioctl(net->external.fd, BULKHEAD_EXTERNAL_CONFIG_SET, &args))
		return fail_errno("%s: can't set the link's state", net->external.name);
	return 0;
}

void net_lose(struct net *net)
{
	__atomic_store_n(&net->lost, true, __ATOMIC_RELEASE);
	eventfd_write(net->external.failed, 1);
}
