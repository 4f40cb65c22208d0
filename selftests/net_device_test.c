// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network device, as the runner has it, with vhost-net and a tap behind it, and a guest that
 * does as it is told in front of it: what a driver says that no driver should. Virtio 1.2, section
 * 5.1.
 */
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "machine/net.h"
#include "puppet.h"

#define PAIRS		2
#define QUEUES		(2 * PAIRS + 1)
#define CONTROL		(2 * PAIRS)
#define SIZE		16

/* Where the guest has queue @n, and the buffers of its entries. */
#define RINGS(n)	(0x100000 + (n) * 0x40000U)
#define DESC(n)		(RINGS(n))
#define AVAIL(n)	(RINGS(n) + 0x1000)
#define USED(n)		(RINGS(n) + 0x2000)
#define BUFFER(n, i)	(RINGS(n) + 0x10000 + (i) * 0x1000U)

#define REG(reg)	(BULKHEAD_VIRTIO_ADDR + (reg))
#define DRIVER_OK	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

#define BIT(n)		(1ULL << (n))
#define FEATURES	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_MAC) | \
			 BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_CSUM) | \
			 BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | \
			 BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_MQ))

#define HEADER		sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define PROTOCOL	0x88b5	/* IEEE 802, table 3: for experiments */
#define FRAME_BYTES	100

/* The device, and the guest with its driver. */
struct driver {
	struct puppet puppet;
	struct memory memory;
	struct nic nic;
	int taps[PAIRS];
	int wire;		/* what is on the tap */
	struct net net;
	uint16_t available[QUEUES];
};

FIXTURE(net)
{
	struct driver driver;
};

static int open_tap(char name[IFNAMSIZ])
{
	struct ifreq request = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int header = HEADER;

	strcpy(request.ifr_name, name);
	if (ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &header))
		return -1;
	strcpy(name, request.ifr_name);
	return fd;
}

/* A packet socket, bound to it once it is up. */
static int open_wire(const char *name)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(PROTOCOL));
	struct ifreq request = { .ifr_flags = IFF_UP };
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(PROTOCOL) };

	strcpy(request.ifr_name, name);
	if (ioctl(fd, SIOCSIFFLAGS, &request) || ioctl(fd, SIOCGIFINDEX, &request))
		return -1;
	addr.sll_ifindex = request.ifr_ifindex;
	return bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) ? -1 : fd;
}

FIXTURE_SETUP(net)
{
	char name[IFNAMSIZ] = "tap%d";
	struct guest *g = &self->driver.puppet.guest;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	/* The host's kernel has nothing to say on the tap. */
	ASSERT_EQ(0, system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"));
	ASSERT_EQ(0, system("modprobe -a tun vhost_net"));
	for (int i = 0; i < PAIRS; i++)
		ASSERT_LE(0, self->driver.taps[i] = open_tap(name));
	ASSERT_LE(0, self->driver.wire = open_wire(name));
	ASSERT_TRUE(puppet_create(&self->driver.puppet, "net"));
	self->driver.memory = (struct memory){
		.fd = g->mem,
		.base = (uint8_t *)g->ram,
		.size = GUEST_MEMORY,
	};
	self->driver.nic = (struct nic){
		.name = name,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.mtu = 1500,
		.taps = self->driver.taps,
		.pairs = PAIRS,
	};
	ASSERT_EQ(0, net_create(&self->driver.net, g->part, &self->driver.nic,
				&self->driver.memory));
	ASSERT_EQ(0, net_start(&self->driver.net));
	ASSERT_TRUE(puppet_start(&self->driver.puppet));
}

FIXTURE_TEARDOWN(net)
{
	EXPECT_TRUE(puppet_poweroff(&self->driver.puppet));
	external_join(&self->driver.net.external);
	guest_destroy(&self->driver.puppet.guest);
}

static bool reg_write(struct driver *self, uint32_t reg, uint32_t value)
{
	return puppet_write(&self->puppet, REG(reg), value);
}

static bool queue_enable(struct driver *self, unsigned int n)
{
	self->available[n] = 0;
	memset(self->puppet.guest.ram + RINGS(n), 0, 0x10000);
	return reg_write(self, VIRTIO_MMIO_QUEUE_SEL, n) &&
	       reg_write(self, VIRTIO_MMIO_QUEUE_NUM, SIZE) &&
	       reg_write(self, VIRTIO_MMIO_QUEUE_DESC_LOW, DESC(n)) &&
	       reg_write(self, VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL(n)) &&
	       reg_write(self, VIRTIO_MMIO_QUEUE_USED_LOW, USED(n)) &&
	       reg_write(self, VIRTIO_MMIO_QUEUE_READY, 1);
}

static uint32_t status(struct driver *self)
{
	return puppet_read(&self->puppet, REG(VIRTIO_MMIO_STATUS));
}

/* A driver that uses all queues, from reset on. */
static bool drive(struct driver *self, uint64_t features)
{
	if (!reg_write(self, VIRTIO_MMIO_STATUS, 0) ||
	    !reg_write(self, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE) ||
	    !reg_write(self, VIRTIO_MMIO_STATUS, 3) ||
	    !reg_write(self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0) ||
	    !reg_write(self, VIRTIO_MMIO_DRIVER_FEATURES, features) ||
	    !reg_write(self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1) ||
	    !reg_write(self, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32) ||
	    !reg_write(self, VIRTIO_MMIO_STATUS, 3 | VIRTIO_CONFIG_S_FEATURES_OK))
		return false;
	for (unsigned int n = 0; n < QUEUES; n++)
		if (!queue_enable(self, n))
			return false;
	return reg_write(self, VIRTIO_MMIO_STATUS, DRIVER_OK) && status(self) == DRIVER_OK;
}

static void *at(struct driver *self, uint32_t addr)
{
	return self->puppet.guest.ram + addr;
}

static void describe(struct driver *self, unsigned int n, unsigned int i, uint64_t addr,
		     uint32_t length, uint16_t flags, uint16_t next)
{
	struct vring_desc *table = at(self, DESC(n));

	table[i] = (struct vring_desc){ addr, length, flags, next };
}

static bool kick(struct driver *self, unsigned int n, uint16_t head)
{
	struct vring_avail *avail = at(self, AVAIL(n));

	avail->ring[self->available[n]++ % SIZE] = head;
	__atomic_store_n(&avail->idx, self->available[n], __ATOMIC_RELEASE);
	return reg_write(self, VIRTIO_MMIO_QUEUE_NOTIFY, n);
}

static uint16_t used(struct driver *self, unsigned int n)
{
	struct vring_used *ring = at(self, USED(n));

	return __atomic_load_n(&ring->idx, __ATOMIC_ACQUIRE);
}

static bool is_used(struct driver *self, unsigned int n)
{
	return WITHIN_DEADLINE(used(self, n) == self->available[n]);
}

/* Puts a frame at entry 0 of the queue's buffers, behind a header that says nothing. */
static struct virtio_net_hdr_mrg_rxbuf *make_frame(struct driver *self, unsigned int n, char tag)
{
	struct virtio_net_hdr_mrg_rxbuf *header = at(self, BUFFER(n, 0));
	struct ethhdr *frame = (struct ethhdr *)(header + 1);

	memset(header, 0, HEADER + FRAME_BYTES);
	memset(frame->h_dest, 0xff, sizeof(frame->h_dest));
	memcpy(frame->h_source, self->nic.mac, sizeof(frame->h_source));
	frame->h_proto = htons(PROTOCOL);
	memset(frame + 1, tag, FRAME_BYTES - sizeof(*frame));
	describe(self, n, 0, BUFFER(n, 0), HEADER + FRAME_BYTES, 0, 0);
	return header;
}

/* Whether the next frame on the tap is that, within @timeout milliseconds. */
static bool is_on_wire(struct driver *self, char tag, int timeout)
{
	struct pollfd fd = { .fd = self->wire, .events = POLLIN };
	char frame[2048];

	return poll(&fd, 1, timeout) > 0 &&
	       recv(self->wire, frame, sizeof(frame), 0) == FRAME_BYTES &&
	       frame[FRAME_BYTES - 1] == tag;
}

static bool has_come(struct driver *self, unsigned int n, const struct ethhdr *frame)
{
	return !memcmp(at(self, BUFFER(n, 0) + HEADER), frame, sizeof(*frame));
}

/* Out on the queue of each pair that is in use, and in by one of them, which the tap chooses. */
static bool carries_by(struct driver *self, unsigned int pairs)
{
	struct ethhdr frame = { .h_dest = { 2, 0, 0, 0, 0, 1 }, .h_proto = htons(PROTOCOL) };
	char drained[2048];

	while (recv(self->wire, drained, sizeof(drained), MSG_DONTWAIT) > 0)
		;
	for (unsigned int n = 1; n < 2 * pairs; n += 2) {
		make_frame(self, n, 'a' + n);
		if (!kick(self, n, 0) || !is_used(self, n) || !is_on_wire(self, 'a' + n, 60000))
			return false;
	}
	for (unsigned int n = 0; n < 2 * pairs; n += 2) {
		memset(at(self, BUFFER(n, 0)), 0, HEADER + sizeof(frame));
		describe(self, n, 0, BUFFER(n, 0), 0x1000, VRING_DESC_F_WRITE, 0);
		if (!kick(self, n, 0))
			return false;
	}
	if (send(self->wire, &frame, sizeof(frame), 0) != sizeof(frame))
		return false;
	return WITHIN_DEADLINE(has_come(self, 0, &frame) ||
			       (pairs > 1 && has_come(self, 2, &frame)));
}

static bool carries(struct driver *self)
{
	return carries_by(self, 1);
}

TEST_F(net, carries)
{
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	EXPECT_TRUE(carries(&self->driver));
	/* After a reset, too, and with a driver that knows next to nothing. */
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	EXPECT_TRUE(carries(&self->driver));
	ASSERT_TRUE(drive(&self->driver, BIT(VIRTIO_F_VERSION_1)));
	EXPECT_TRUE(carries(&self->driver));
}

/* Whether the device has done with what it was given: if not soon, it wants a reset. */
static bool has_settled(struct driver *self, unsigned int n)
{
	for (int i = 0; i < 50 && used(self, n) != self->available[n]; i++)
		usleep(1000);
	return used(self, n) == self->available[n] && status(self) == DRIVER_OK;
}

/*
 * Frames that are dropped, or sent with what their headers say; or that vhost tries to send for
 * ever, in a thread of the runner's, and so at the container's cost. After a reset all is well.
 */
TEST_F(net, hostile_headers)
{
	static const struct virtio_net_hdr headers[] = {
		{ .flags = 0xff },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 0xffff },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_offset = 0xffff },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = FRAME_BYTES,
		  .csum_offset = 0 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 0x8000,
		  .csum_offset = 0x8000 },
		{ .hdr_len = 0xffff },
		{ .gso_type = 0xff },
		{ .gso_type = 0x7f, .gso_size = 1 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0xffff, .hdr_len = 0xffff },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1, .hdr_len = 54,
		  .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, .gso_size = 8,
		  .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 99, .csum_offset = 99 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1, .hdr_len = 1 },
		{ .gso_type = 5, .gso_size = 8 },	/* VIRTIO_NET_HDR_GSO_UDP_L4 */
	};
	static const uint16_t protocols[] = { PROTOCOL, ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q, 0 };

	ASSERT_TRUE(drive(&self->driver, FEATURES));
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		for (size_t j = 0; j < sizeof(protocols) / sizeof(protocols[0]); j++) {
			struct virtio_net_hdr_mrg_rxbuf *header = make_frame(&self->driver, 1, 'x');

			header->hdr = headers[i];
			header->num_buffers = 0xffff;
			((struct ethhdr *)(header + 1))->h_proto = htons(protocols[j]);
			ASSERT_TRUE(kick(&self->driver, 1, 0));
			if (!has_settled(&self->driver, 1))
				ASSERT_TRUE(drive(&self->driver, FEATURES));
		}
	}
	EXPECT_TRUE(carries(&self->driver));
}

/* Frames that are none: too short, or longer than any. */
TEST_F(net, hostile_lengths)
{
	static const uint32_t lengths[] = { 1, 11, 12, 13, 25, 26, 0x10000, 0x30000 };

	ASSERT_TRUE(drive(&self->driver, FEATURES));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_frame(&self->driver, 1, 'x');
		describe(&self->driver, 1, 0, BUFFER(1, 0), lengths[i], 0, 0);
		ASSERT_TRUE(kick(&self->driver, 1, 0));
		if (!has_settled(&self->driver, 1))
			ASSERT_TRUE(drive(&self->driver, FEATURES));
	}
	EXPECT_TRUE(carries(&self->driver));
}

/* A queue that can't be right: the driver is told so, and a reset heals. */
TEST_F(net, broken_queues)
{
	static const struct {
		unsigned int queue;
		uint16_t head;
		struct vring_desc desc;
	} cases[] = {
		{ 1, 0, { GUEST_MEMORY, 64, 0, 0 } },
		{ 1, 0, { -8ULL, 64, 0, 0 } },
		{ 1, 0, { GUEST_MEMORY - 32, 64, 0, 0 } },
		{ 1, 0, { BUFFER(1, 0), 64, VRING_DESC_F_NEXT, 0 } },	/* a circle */
		{ 1, 0, { BUFFER(1, 0), 64, VRING_DESC_F_NEXT, SIZE } },
		{ 1, 0, { BUFFER(1, 0), 64, VRING_DESC_F_WRITE, 0 } },
		{ 1, 0, { BUFFER(1, 0), 7, VRING_DESC_F_INDIRECT, 0 } },
		{ 1, 0, { GUEST_MEMORY, 64, VRING_DESC_F_INDIRECT, 0 } },
		{ 1, 0, { DESC(1), 16, VRING_DESC_F_INDIRECT, 0 } },	/* in itself */
		{ 1, SIZE, { BUFFER(1, 0), 64, 0, 0 } },
		{ 1, 0xffff, { BUFFER(1, 0), 64, 0, 0 } },
		{ 0, 0, { GUEST_MEMORY, 64, VRING_DESC_F_WRITE, 0 } },
		{ 0, 0, { BUFFER(0, 0), 64, 0, 0 } },
		{ 0, SIZE, { BUFFER(0, 0), 64, VRING_DESC_F_WRITE, 0 } },
	};
	const char frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x88, 0xb5 };
	struct vring_avail *avail;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vring_desc *desc = &cases[i].desc;

		ASSERT_TRUE(drive(&self->driver, FEATURES));
		make_frame(&self->driver, 1, 'x');
		describe(&self->driver, cases[i].queue, 0, desc->addr, desc->len, desc->flags,
			 desc->next);
		ASSERT_TRUE(kick(&self->driver, cases[i].queue, cases[i].head));
		/* A buffer for what comes is looked at once something comes. */
		send(self->driver.wire, frame, sizeof(frame), 0);
		EXPECT_TRUE(WITHIN_DEADLINE(status(&self->driver) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
			TH_LOG("case %zu", i);
		}
		ASSERT_TRUE(drive(&self->driver, FEATURES));
		EXPECT_TRUE(carries(&self->driver));
	}
	/* More than fits is on its way at once. */
	avail = at(&self->driver, AVAIL(1));
	avail->idx = self->driver.available[1] + SIZE + 1;
	ASSERT_TRUE(reg_write(&self->driver, VIRTIO_MMIO_QUEUE_NOTIFY, 1));
	EXPECT_TRUE(WITHIN_DEADLINE(status(&self->driver) & VIRTIO_CONFIG_S_NEEDS_RESET));
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	EXPECT_TRUE(carries(&self->driver));
}

/* Asks for @pairs of queues. Returns the answer, or -1 if there is none. */
static int command(struct driver *self, uint8_t class, uint8_t code, uint16_t pairs,
		   uint32_t length)
{
	uint8_t *data = at(self, BUFFER(CONTROL, 0));
	uint8_t *answer = at(self, BUFFER(CONTROL, 1));

	data[0] = class;
	data[1] = code;
	memcpy(data + 2, &pairs, sizeof(pairs));
	*answer = 0xee;
	/* In parts, which is for the driver to choose. */
	describe(self, CONTROL, 0, BUFFER(CONTROL, 0), 1, VRING_DESC_F_NEXT, 1);
	describe(self, CONTROL, 1, BUFFER(CONTROL, 0) + 1, length - 1, VRING_DESC_F_NEXT, 2);
	describe(self, CONTROL, 2, BUFFER(CONTROL, 1), 1, VRING_DESC_F_WRITE, 0);
	if (!kick(self, CONTROL, 0) || !is_used(self, CONTROL))
		return -1;
	return *answer;
}

#define MQ(pairs) \
	command(&self->driver, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs, 4)

TEST_F(net, control)
{
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	EXPECT_EQ(VIRTIO_NET_OK, MQ(2));
	EXPECT_TRUE(carries_by(&self->driver, 2));
	EXPECT_EQ(VIRTIO_NET_OK, MQ(2));
	EXPECT_EQ(VIRTIO_NET_OK, MQ(1));
	EXPECT_TRUE(carries(&self->driver));
	EXPECT_EQ(VIRTIO_NET_ERR, MQ(0));
	EXPECT_EQ(VIRTIO_NET_ERR, MQ(3));
	EXPECT_EQ(VIRTIO_NET_ERR, MQ(0xffff));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->driver, VIRTIO_NET_CTRL_MQ, 7, 1, 4));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->driver, VIRTIO_NET_CTRL_RX, 0, 1, 4));
	EXPECT_EQ(VIRTIO_NET_ERR, command(&self->driver, VIRTIO_NET_CTRL_MQ, 0, 1, 3));
	/* No room for an answer: the chain comes back, and that is all. */
	describe(&self->driver, CONTROL, 0, BUFFER(CONTROL, 0), 4, 0, 0);
	ASSERT_TRUE(kick(&self->driver, CONTROL, 0));
	EXPECT_TRUE(is_used(&self->driver, CONTROL));
	describe(&self->driver, CONTROL, 0, GUEST_MEMORY, 4, VRING_DESC_F_NEXT, 0);
	ASSERT_TRUE(kick(&self->driver, CONTROL, 0));
	EXPECT_TRUE(is_used(&self->driver, CONTROL));
	EXPECT_TRUE(carries(&self->driver));

	/* A driver that doesn't know of pairs has it as the third queue. */
	ASSERT_TRUE(drive(&self->driver, FEATURES & ~BIT(VIRTIO_NET_F_MQ)));
	EXPECT_TRUE(carries(&self->driver));
}

/* Kicks without an end, for each queue; also of those that nobody set up. */
TEST_F(net, kick_storm)
{
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	for (unsigned int n = 0; n < QUEUES + 2; n++)
		ASSERT_TRUE(puppet_repeat(&self->driver.puppet, REG(VIRTIO_MMIO_QUEUE_NOTIFY), n,
					  20000));
	EXPECT_TRUE(carries(&self->driver));
}

/* Resets while frames arrive, and queues are served. */
TEST_F(net, reset_storm)
{
	const char frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x88, 0xb5 };

	for (int i = 0; i < 50; i++) {
		ASSERT_TRUE(drive(&self->driver, FEATURES));
		make_frame(&self->driver, 1, 'x');
		describe(&self->driver, 0, 0, BUFFER(0, 0), 0x1000, VRING_DESC_F_WRITE, 0);
		ASSERT_TRUE(kick(&self->driver, 0, 0));
		ASSERT_TRUE(kick(&self->driver, 1, 0));
		send(self->driver.wire, frame, sizeof(frame), 0);
	}
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	EXPECT_TRUE(carries(&self->driver));
}

/* The tap is gone: the driver isn't told by a status that it wouldn't look at, and may go on. */
TEST_F(net, lost)
{
	ASSERT_TRUE(drive(&self->driver, FEATURES));
	net_lose(&self->driver.net);
	EXPECT_TRUE(WITHIN_DEADLINE(self->driver.net.external.failed == -1));
	make_frame(&self->driver, 1, 'x');
	ASSERT_TRUE(kick(&self->driver, 1, 0));
	EXPECT_FALSE(is_on_wire(&self->driver, 'x', 200));
	EXPECT_EQ(DRIVER_OK, status(&self->driver));
	ASSERT_TRUE(reg_write(&self->driver, VIRTIO_MMIO_STATUS, 0));
}

TEST_HARNESS_MAIN
