// SPDX-License-Identifier: GPL-2.0-only
/* The network namespace whose place the partition takes, and the devices that stand for it. */
#include "base/error.h"
#include "takeover/takeover.h"
#include "runner/private.h"

#include <stdlib.h>
#include <string.h>

/* The machine needs it as long as it exists, and that is until the process ends. */
static struct nic nics[INTERFACES_MAX];

int nics_take(struct runner *runner, struct machine_setup *setup)
{
	struct takeover *takeover = &runner->takeover;

	if (runner->container->network < 0)
		return 0;
	if (takeover_begin(takeover, runner->container->network, setup->cpus))
		return -1;
	if (takeover->n > INTERFACES_MAX)
		return fail("network: %u interfaces; a partition can have %d", takeover->n,
			    INTERFACES_MAX);
	for (unsigned int i = 0; i < takeover->n; i++) {
		const struct interface *interface = &takeover->interfaces[i];

		nics[i] = (struct nic){
			.name = interface->guest.name,
			.mtu = interface->mtu,
			.taps = interface->queues,
			.pairs = takeover->pairs,
		};
		memcpy(nics[i].mac, interface->guest.mac, sizeof(nics[i].mac));
	}
	setup->nics = nics;
	setup->n_nics = takeover->n;
	return 0;
}

int nics_put(struct runner *runner)
{
	const struct takeover *takeover = &runner->takeover;
	size_t head = sizeof(struct frame_network) + takeover->n * sizeof(struct frame_interface);
	struct frame_network *frame = calloc(1, head);
	struct frame_interface *interfaces;
	int result;

	if (!frame)
		return fail_errno("no memory for the network's set-up");
	if (head + takeover->setup_length > FRAME_DATA_MAX) {
		free(frame);
		return fail("network: too many routes, %zu bytes of them; %d can be set up",
			    takeover->setup_length, FRAME_DATA_MAX);
	}
	frame->interfaces = takeover->n;
	interfaces = (struct frame_interface *)(frame + 1);
	for (unsigned int i = 0; i < takeover->n; i++)
		interfaces[i] = takeover->interfaces[i].guest;
	result = requests_put(runner, FRAME_NETWORK, requests_id(runner), NULL, 0, frame, head,
			      takeover->setup, takeover->setup_length);
	free(frame);
	return result;
}

static void set_link(void *data, unsigned int interface, bool up)
{
	struct runner *runner = data;

	if (net_set_link(&runner->machine.nets[interface], up))
		warn("%s", error_text());
}

static void lose(void *data, unsigned int interface)
{
	struct runner *runner = data;

	net_lose(&runner->machine.nets[interface]);
}

void nics_look(struct runner *runner)
{
	static const struct takeover_ops ops = { .link = set_link, .lost = lose };

	takeover_look(&runner->takeover, &ops, runner);
}
