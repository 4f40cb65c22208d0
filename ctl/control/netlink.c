// SPDX-License-Identifier: GPL-2.0-only
#include "control/netlink.h"
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Partitions come and go while they are listed. A list that is interrupted this often is a bug. */
#define LIST_TRIES	64

struct netlink {
	struct nl_sock *socket;
	int family;
};

/* A request on its way. */
struct request {
	uint64_t memory_target;	/* to be set if not zero */
	uint32_t reason;	/* to be given if not BULKHEAD_REASON_NONE */
	bool done;
	bool interrupted;	/* what was dumped changed meanwhile */
	int error;		/* positive errno */
	char message[256];	/* the kernel's own words for it */
	int (*take)(struct request *request, const struct part *part);
	struct part *parts;
	size_t n;
};

static struct nla_policy part_policy[BULKHEAD_A_PART_MAX + 1] = {
	[BULKHEAD_A_PART_ID]		= { .type = NLA_U32 },
	[BULKHEAD_A_PART_NAME]		= { .type = NLA_STRING, .maxlen = BULKHEAD_NAME_MAX },
	[BULKHEAD_A_PART_STATE]		= { .type = NLA_U32 },
	[BULKHEAD_A_PART_OWNER]		= { .type = NLA_U32 },
	[BULKHEAD_A_PART_RUNNER]	= { .type = NLA_U32 },
	[BULKHEAD_A_PART_MEMORY]	= { .type = NLA_U64 },
	[BULKHEAD_A_PART_VCPUS]		= { .type = NLA_U32 },
	[BULKHEAD_A_PART_CID]		= { .type = NLA_U32 },
	[BULKHEAD_A_PART_UPTIME]	= { .type = NLA_U64 },
	[BULKHEAD_A_PART_REASON]	= { .type = NLA_U32 },
	[BULKHEAD_A_PART_EXIT_STATUS]	= { .type = NLA_U32 },
	[BULKHEAD_A_PART_EXITS]		= { .type = NLA_NESTED },
	[BULKHEAD_A_PART_DEVICE]	= { .type = NLA_NESTED },
	[BULKHEAD_A_PART_MEMORY_TARGET]	= { .type = NLA_U64 },
	[BULKHEAD_A_PART_MEMORY_ACTUAL]	= { .type = NLA_U64 },
	[BULKHEAD_A_PART_BALLOON]	= { .type = NLA_NESTED },
};

static int library_error(const char *what, int error)
{
	errno = EIO;
	return fail("%s: %s", what, nl_geterror(error));
}

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static int parse_exits(struct nlattr *nest, struct part *part)
{
	static struct nla_policy policy[BULKHEAD_A_EXITS_MAX + 1];
	struct nlattr *attrs[BULKHEAD_A_EXITS_MAX + 1];

	for (int i = 1; i <= BULKHEAD_A_EXITS_MAX; i++)
		policy[i].type = NLA_U64;
	if (nla_parse_nested(attrs, BULKHEAD_A_EXITS_MAX, nest, policy))
		return -1;
	for (int i = 1; i <= BULKHEAD_A_EXITS_MAX; i++)
		part->exits[i] = get_u64(attrs[i]);
	part->has_exits = true;
	return 0;
}

static int parse_device(struct nlattr *nest, struct part_device *device)
{
	static struct nla_policy policy[BULKHEAD_A_DEVICE_MAX + 1] = {
		[BULKHEAD_A_DEVICE_SLOT]	= { .type = NLA_U32 },
		[BULKHEAD_A_DEVICE_TYPE]	= { .type = NLA_U32 },
		[BULKHEAD_A_DEVICE_FAILED]	= { .type = NLA_FLAG },
		[BULKHEAD_A_DEVICE_LINK_DOWN]	= { .type = NLA_FLAG },
	};
	struct nlattr *attrs[BULKHEAD_A_DEVICE_MAX + 1];

	for (int i = BULKHEAD_A_DEVICE_KICKS; i <= BULKHEAD_A_DEVICE_ERRORS; i++)
		policy[i].type = NLA_U64;
	if (nla_parse_nested(attrs, BULKHEAD_A_DEVICE_MAX, nest, policy))
		return -1;
	device->slot = get_u32(attrs[BULKHEAD_A_DEVICE_SLOT]);
	device->type = get_u32(attrs[BULKHEAD_A_DEVICE_TYPE]);
	device->failed = attrs[BULKHEAD_A_DEVICE_FAILED];
	device->link_down = attrs[BULKHEAD_A_DEVICE_LINK_DOWN];
	for (int i = BULKHEAD_A_DEVICE_KICKS; i <= BULKHEAD_A_DEVICE_ERRORS; i++)
		device->counts[i] = get_u64(attrs[i]);
	return 0;
}

/* Devices are the attribute that comes more than once. */
static int parse_devices(struct nlmsghdr *header, struct part *part)
{
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, header, GENL_HDRLEN, left) {
		if (nla_type(attr) != BULKHEAD_A_PART_DEVICE)
			continue;
		if (part->n_devices == BULKHEAD_VIRTIO_MAX ||
		    parse_device(attr, &part->devices[part->n_devices++]))
			return -1;
	}
	return 0;
}

static int parse_balloon(struct nlattr *nest, struct part *part)
{
	static struct nla_policy policy[BULKHEAD_A_BALLOON_MAX + 1];
	struct nlattr *attrs[BULKHEAD_A_BALLOON_MAX + 1];

	for (int i = 1; i <= BULKHEAD_A_BALLOON_MAX; i++)
		policy[i].type = NLA_U64;
	if (nla_parse_nested(attrs, BULKHEAD_A_BALLOON_MAX, nest, policy))
		return -1;
	for (int i = 1; i <= BULKHEAD_A_BALLOON_MAX; i++) {
		if (!attrs[i])
			continue;
		part->stats[i] = nla_get_u64(attrs[i]);
		part->stats_present |= 1U << i;
	}
	return 0;
}

static int parse_part(struct nlmsghdr *header, struct part *part)
{
	struct nlattr *attrs[BULKHEAD_A_PART_MAX + 1];

	if (genlmsg_parse(header, 0, attrs, BULKHEAD_A_PART_MAX, part_policy))
		return -1;
	if (!attrs[BULKHEAD_A_PART_ID])
		return -1;
	*part = (struct part){
		.id = get_u32(attrs[BULKHEAD_A_PART_ID]),
		.state = get_u32(attrs[BULKHEAD_A_PART_STATE]),
		.owner = get_u32(attrs[BULKHEAD_A_PART_OWNER]),
		.runner = get_u32(attrs[BULKHEAD_A_PART_RUNNER]),
		.memory = get_u64(attrs[BULKHEAD_A_PART_MEMORY]),
		.vcpus = get_u32(attrs[BULKHEAD_A_PART_VCPUS]),
		.cid = get_u32(attrs[BULKHEAD_A_PART_CID]),
		.uptime = get_u64(attrs[BULKHEAD_A_PART_UPTIME]),
		.has_reason = attrs[BULKHEAD_A_PART_REASON],
		.reason = get_u32(attrs[BULKHEAD_A_PART_REASON]),
		.has_exit_status = attrs[BULKHEAD_A_PART_EXIT_STATUS],
		.exit_status = get_u32(attrs[BULKHEAD_A_PART_EXIT_STATUS]),
		.has_balloon = attrs[BULKHEAD_A_PART_MEMORY_ACTUAL],
		.memory_target = get_u64(attrs[BULKHEAD_A_PART_MEMORY_TARGET]),
		.memory_actual = get_u64(attrs[BULKHEAD_A_PART_MEMORY_ACTUAL]),
	};
	if (attrs[BULKHEAD_A_PART_NAME])
		nla_strlcpy(part->name, attrs[BULKHEAD_A_PART_NAME], sizeof(part->name));
	if (attrs[BULKHEAD_A_PART_EXITS] && parse_exits(attrs[BULKHEAD_A_PART_EXITS], part))
		return -1;
	if (attrs[BULKHEAD_A_PART_BALLOON] && parse_balloon(attrs[BULKHEAD_A_PART_BALLOON], part))
		return -1;
	return parse_devices(header, part);
}

static int on_part(struct nl_msg *message, void *data)
{
	struct request *request = data;
	struct part part;

	if (parse_part(nlmsg_hdr(message), &part)) {
		request->error = EBADMSG;
		return NL_OK;
	}
	if (request->take(request, &part))
		request->error = ENOMEM;
	return NL_OK;
}

static int on_interrupted(struct nl_msg *message, void *data)
{
	struct request *request = data;

	(void)message;
	request->interrupted = true;
	return NL_OK;
}

/* Keeps the text in @length bytes of attributes of an extended ack. */
static void keep_message(struct request *request, struct nlattr *attrs, int length)
{
	struct nlattr *attr = nla_find(attrs, length, NLMSGERR_ATTR_MSG);

	if (attr)
		nla_strlcpy(request->message, attr, sizeof(request->message));
}

/* The end of a dump, which can bring an error as well. */
static int on_finish(struct nl_msg *message, void *data)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct request *request = data;
	int error;

	request->done = true;
	if (nlmsg_datalen(header) < (int)sizeof(error))
		return NL_STOP;
	memcpy(&error, nlmsg_data(header), sizeof(error));
	if (error < 0)
		request->error = -error;
	if (error < 0 && header->nlmsg_flags & NLM_F_ACK_TLVS)
		keep_message(request, (void *)((char *)nlmsg_data(header) + sizeof(error)),
			     nlmsg_datalen(header) - sizeof(error));
	return NL_STOP;
}

static int on_ack(struct nl_msg *message, void *data)
{
	struct request *request = data;

	(void)message;
	request->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *address, struct nlmsgerr *error, void *data)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct request *request = data;
	int skip = sizeof(*error);

	(void)address;
	request->done = true;
	request->error = -error->error;
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	/* The request comes back with the error, unless it is capped to its header. */
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - sizeof(error->msg);
	skip = NLMSG_ALIGN(skip);
	if (nlmsg_datalen(header) > skip)
		keep_message(request, (void *)((char *)error + skip),
			     nlmsg_datalen(header) - skip);
	return NL_STOP;
}

static int exchange(struct netlink *netlink, struct nl_msg *message, struct request *request)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int result = 0;

	if (!callbacks)
		return -NLE_NOMEM;
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_part, request);
	nl_cb_set(callbacks, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, request);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, request);
	nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_ack, request);
	nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, request);
	result = nl_send_auto(netlink->socket, message);
	while (result >= 0 && !request->done)
		result = nl_recvmsgs(netlink->socket, callbacks);
	nl_cb_put(callbacks);
	/* The kernel's refusal comes back as the library's too; on_error() has kept more of it. */
	return request->done ? 0 : result;
}

/* Sends a request, about the partition @id if that isn't zero, and takes the answers. */
static int ask(struct netlink *netlink, uint8_t command, int flags, uint32_t id,
	       struct request *request)
{
	struct nl_msg *message = nlmsg_alloc();
	int result = -NLE_NOMEM;

	if (message && genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, netlink->family, 0, flags,
				   command, BULKHEAD_FAMILY_VERSION) &&
	    (!id || !nla_put_u32(message, BULKHEAD_A_PART_ID, id)) &&
	    (!request->memory_target ||
	     !nla_put_u64(message, BULKHEAD_A_PART_MEMORY_TARGET, request->memory_target)) &&
	    (!request->reason || !nla_put_u32(message, BULKHEAD_A_PART_REASON, request->reason)))
		result = exchange(netlink, message, request);
	nlmsg_free(message);
	if (result)
		return library_error("netlink", result);
	if (!request->error)
		return 0;
	errno = request->error;
	if (request->message[0])
		return fail("%s", request->message);
	return fail_errno("netlink");
}

struct netlink *netlink_open(void)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	const int on = 1;
	int result = -NLE_NOMEM;

	if (netlink)
		netlink->socket = nl_socket_alloc();
	if (netlink && netlink->socket)
		result = genl_connect(netlink->socket);
	if (result) {
		library_error("can't open a netlink socket", result);
		goto close;
	}
	/* Without these there are errors without their text, no worse. */
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_EXT_ACK, &on,
		   sizeof(on));
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_CAP_ACK, &on,
		   sizeof(on));
	netlink->family = genl_ctrl_resolve(netlink->socket, BULKHEAD_FAMILY_NAME);
	if (netlink->family >= 0)
		return netlink;
	if (netlink->family == -NLE_OBJ_NOTFOUND)
		fail("no netlink family " BULKHEAD_FAMILY_NAME
		     "; is the module loaded? modprobe bulkhead");
	else
		library_error("netlink family " BULKHEAD_FAMILY_NAME, netlink->family);
close:
	netlink_close(netlink);
	return NULL;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	nl_socket_free(netlink->socket);
	free(netlink);
}

static int take_part(struct request *request, const struct part *part)
{
	struct part *parts = reallocarray(request->parts, request->n + 1, sizeof(*parts));

	if (!parts)
		return -1;
	parts[request->n++] = *part;
	request->parts = parts;
	return 0;
}

int netlink_list(struct netlink *netlink, struct part **parts, size_t *n)
{
	for (int i = 0; i < LIST_TRIES; i++) {
		struct request request = { .take = take_part };
		int result = ask(netlink, BULKHEAD_CMD_PART_GET, NLM_F_DUMP, 0, &request);

		if (!result && !request.interrupted) {
			*parts = request.parts;
			*n = request.n;
			return 0;
		}
		free(request.parts);
		if (result)
			return -1;
	}
	return fail("partitions come and go too fast to be listed");
}

int netlink_get(struct netlink *netlink, uint32_t id, struct part *part)
{
	struct request request = { .take = take_part };
	int result = ask(netlink, BULKHEAD_CMD_PART_GET, 0, id, &request);

	if (!result && request.n)
		*part = request.parts[0];
	else if (!result)
		result = fail("the kernel's answer is empty");
	free(request.parts);
	return result;
}

/* Asks for what is answered by an acknowledgment alone. */
static int tell(struct netlink *netlink, uint8_t command, uint32_t id)
{
	struct request request = { .take = take_part };
	int result = ask(netlink, command, 0, id, &request);

	free(request.parts);
	return result;
}

int netlink_kill(struct netlink *netlink, uint32_t id)
{
	return tell(netlink, BULKHEAD_CMD_PART_KILL, id);
}

int netlink_kill_unresponsive(struct netlink *netlink, uint32_t id)
{
	struct request request = { .take = take_part, .reason = BULKHEAD_REASON_UNRESPONSIVE };
	int result = ask(netlink, BULKHEAD_CMD_PART_KILL, 0, id, &request);

	free(request.parts);
	return result;
}

int netlink_stop(struct netlink *netlink, uint32_t id)
{
	return tell(netlink, BULKHEAD_CMD_PART_STOP, id);
}

int netlink_rescan(struct netlink *netlink, uint32_t id)
{
	return tell(netlink, BULKHEAD_CMD_PART_RESCAN, id);
}

int netlink_set_memory(struct netlink *netlink, uint32_t id, uint64_t target)
{
	struct request request = { .take = take_part, .memory_target = target };
	int result = ask(netlink, BULKHEAD_CMD_PART_SET, 0, id, &request);

	free(request.parts);
	return result;
}

static bool parse_id(const char *text, uint32_t *id)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || !number || number > UINT32_MAX)
		return false;
	*id = number;
	return true;
}

/* Of an id as engines make them, which has 64 hexadecimal digits, the first 12 are enough. */
static bool is_name_of(const char *given, const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	if (!strcmp(given, name))
		return given[0];
	return digits == 64 && !name[64] && strlen(given) >= 12 &&
	       !strncmp(given, name, strlen(given));
}

int netlink_find(struct netlink *netlink, const char *id_or_name, struct part *part)
{
	const struct part *found = NULL;
	struct part *parts;
	int result = -1;
	uint32_t id;
	size_t n;

	if (parse_id(id_or_name, &id)) {
		if (!netlink_get(netlink, id, part))
			return 0;
		if (errno != ENODEV)
			return error_prefix("%s", id_or_name);
	}
	if (netlink_list(netlink, &parts, &n))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!is_name_of(id_or_name, parts[i].name))
			continue;
		if (found) {
			fail("%s: a name of several users' partitions, as %u and %u; give an ID",
			     id_or_name, found->id, parts[i].id);
			goto out;
		}
		found = &parts[i];
	}
	if (found) {
		*part = *found;
		result = 0;
	} else {
		fail("%s: no such partition; see bulkhead list", id_or_name);
	}
out:
	free(parts);
	return result;
}

struct subscription {
	int (*event)(unsigned int command, const struct part *part);
	int result;
};

static int on_event(struct nl_msg *message, void *data)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(message));
	struct subscription *subscription = data;
	struct part part;

	if (parse_part(nlmsg_hdr(message), &part)) {
		warn("an event is malformed; is the module of another version?");
		return NL_OK;
	}
	subscription->result = subscription->event(header->cmd, &part);
	return subscription->result ? NL_STOP : NL_OK;
}

int netlink_subscribe(struct netlink *netlink)
{
	int result = genl_ctrl_resolve_grp(netlink->socket, BULKHEAD_FAMILY_NAME,
					   BULKHEAD_MCGRP_EVENTS);

	if (result >= 0)
		result = nl_socket_add_membership(netlink->socket, result);
	if (result < 0)
		return library_error("netlink group " BULKHEAD_MCGRP_EVENTS, result);
	/* Events come unasked. */
	nl_socket_disable_seq_check(netlink->socket);
	return 0;
}

int netlink_wait(struct netlink *netlink, int timeout)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(netlink->socket), .events = POLLIN };
	int result = poll(&fd, 1, timeout);

	if (result < 0)
		return errno == EINTR ? 0 : fail_errno("poll");
	if (result > 0)
		result = nl_recvmsgs_default(netlink->socket);
	/* Lost events are events as well. */
	if (result < 0 && result != -NLE_INTR && result != -NLE_NOMEM)
		return library_error("can't receive events", result);
	return 0;
}

int netlink_monitor(struct netlink *netlink,
		    int (*event)(unsigned int command, const struct part *part))
{
	struct subscription subscription = { .event = event };
	int result = netlink_subscribe(netlink);

	if (result)
		return -1;
	nl_socket_modify_cb(netlink->socket, NL_CB_VALID, NL_CB_CUSTOM, on_event, &subscription);
	while (!subscription.result) {
		result = nl_recvmsgs_default(netlink->socket);
		if (result == -NLE_NOMEM)
			/* What the kernel's ENOBUFS becomes here: the socket's buffer ran over. */
			warn("events came too fast, some are lost");
		else if (result < 0 && result != -NLE_INTR)
			return library_error("can't receive events", result);
	}
	return subscription.result;
}
