// SPDX-License-Identifier: GPL-2.0-only
/* What netlink tells of a partition's devices, in answers and by events. */
#include <linux/virtio_ids.h>

#include "external.h"
#include "request.h"

struct watch {
	struct device dev;
	struct nl_sock *sock, *events;
	int family;
	struct answer answer, event;
};

FIXTURE(device_netlink)
{
	struct watch watch;
};

FIXTURE_SETUP(device_netlink)
{
	struct watch *watch = &self->watch;

	ASSERT_TRUE(device_create(&watch->dev));
	watch->sock = sock_open(&watch->family, &watch->answer);
	ASSERT_NE(NULL, watch->sock);
	watch->events = events_open(&watch->event);
	ASSERT_NE(NULL, watch->events);
}

FIXTURE_TEARDOWN(device_netlink)
{
	struct watch *watch = &self->watch;

	answer_clear(&watch->answer);
	answer_clear(&watch->event);
	nl_socket_free(watch->sock);
	nl_socket_free(watch->events);
	device_destroy(&watch->dev);
}

/* The next event, which has to be that one, or NULL. */
static struct part *event_is(struct watch *watch, int cmd)
{
	struct part *part = next_event(watch->events, &watch->event, 5000);

	return part && part->cmd == cmd &&
	       nla_get_u32(part->attrs[BULKHEAD_A_PART_ID]) == watch->dev.puppet.guest.id ?
	       part : NULL;
}

/* What one gets, or NULL. */
static struct part *get_part(struct watch *watch)
{
	struct answer *answer = &watch->answer;

	return by_id(watch->sock, watch->family, BULKHEAD_CMD_PART_GET,
		     watch->dev.puppet.guest.id, answer) ? NULL : &answer->parts[0];
}

/* Whether an event, or what one gets, has a flag of the last device: 1, 0, or -1 for no device. */
static int has_flag(const struct part *part, int flag)
{
	struct nlattr *attrs[BULKHEAD_A_DEVICE_MAX + 1];

	if (!part || nla_parse_nested(attrs, BULKHEAD_A_DEVICE_MAX,
				      part->attrs[BULKHEAD_A_PART_DEVICE], NULL))
		return -1;
	return !!attrs[flag];
}

static int says_failed(const struct part *part)
{
	return has_flag(part, BULKHEAD_A_DEVICE_FAILED);
}

/* With a driver that has begun. */
static bool start(struct watch *watch)
{
	return puppet_start(&watch->dev.puppet) && drive(&watch->dev) &&
	       event_is(watch, BULKHEAD_CMD_PART_RUNNING);
}

TEST_F(device_netlink, failure_is_an_event)
{
	struct watch *watch = &self->watch;
	struct device *dev = &watch->dev;

	ASSERT_TRUE(start(watch));
	EXPECT_EQ(0, says_failed(get_part(watch)));
	ASSERT_EQ(0, backend_fail(dev));
	EXPECT_EQ(1, says_failed(event_is(watch, BULKHEAD_CMD_PART_DEVICE_FAILED)));

	/* A failure that isn't one is no event; a reset is the end of it. */
	FAILS(EBUSY, backend_fail(dev));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_STATUS, 0));
	EXPECT_EQ(0, says_failed(get_part(watch)));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
	EXPECT_NE(NULL, event_is(watch, BULKHEAD_CMD_PART_STOPPED));
}

/* The driver isn't told, and the queues stay where they are; but netlink tells. */
TEST_F(device_netlink, another_backend_takes_its_place)
{
	struct watch *watch = &self->watch;
	struct device *dev = &watch->dev;

	FAILS(EBUSY, backend_replace(dev));
	ASSERT_TRUE(start(watch));
	ASSERT_EQ(0, backend_replace(dev));
	EXPECT_EQ(1, says_failed(event_is(watch, BULKHEAD_CMD_PART_DEVICE_FAILED)));
	EXPECT_EQ(DRIVER_OK, status(dev));
	EXPECT_EQ(BULKHEAD_EXTERNAL_READY, state_of(dev));
	ASSERT_TRUE(reg_write(dev, VIRTIO_MMIO_QUEUE_NOTIFY, 0));
	EXPECT_EQ(1, count(dev->kicks[0]));

	/* A reset needs its consent as any other's, and heals. */
	ASSERT_TRUE(reset_begin(dev));
	EXPECT_FALSE(puppet_is_done(&dev->puppet));
	FAILS(EBUSY, backend_replace(dev));
	ASSERT_EQ(0, backend_fail(dev));
	ASSERT_TRUE(puppet_wait(&dev->puppet));
	EXPECT_EQ(0, says_failed(get_part(watch)));
	ASSERT_TRUE(puppet_poweroff(&dev->puppet));
}

#define NET_STATUS	6	/* where a network device's configuration has it */

/* In the place of the device, one for a network, with these features. */
static bool replace_device(struct device *dev, uint64_t features)
{
	struct bulkhead_external_create args;

	close(dev->fd);
	close(dev->irq);
	dev->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	args = create_args(dev);
	args.device = VIRTIO_ID_NET;
	args.features = features;
	args.config = (uintptr_t)"MACMAC\1\0";
	dev->fd = ioctl(dev->puppet.guest.part, BULKHEAD_EXTERNAL_CREATE, &args);
	return dev->fd >= 0;
}

/* Whether the link is up stands in the configuration of a network device that has the feature. */
TEST_F(device_netlink, link)
{
	const uint64_t features[] = { OFFERED, OFFERED | 1ULL << 16 };
	struct watch *watch = &self->watch;
	struct device *dev = &watch->dev;

	for (size_t i = 0; i < 2; i++) {
		ASSERT_TRUE(replace_device(dev, features[i]));
		for (int up = 0; up < 2; up++) {
			const int want = i == 1 && !up;

			ASSERT_EQ(0, config_set(dev, NET_STATUS, 2, up ? "\1\0" : "\0\0"));
			EXPECT_EQ(want, has_flag(event_is(watch, BULKHEAD_CMD_PART_DEVICE_CHANGED),
						 BULKHEAD_A_DEVICE_LINK_DOWN));
			EXPECT_EQ(want, has_flag(get_part(watch), BULKHEAD_A_DEVICE_LINK_DOWN));
		}
	}
	/* What isn't changed is no event. */
	FAILS(EINVAL, config_set(dev, 8, 1, "x"));
	EXPECT_EQ(NULL, next_event(watch->events, &watch->event, 100));
}

TEST_HARNESS_MAIN
