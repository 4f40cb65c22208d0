#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An agent that breaks its protocol, as a guest's may: the runner ends it all, says why, and leaves
# nothing. In process isolation, where an agent is easy to replace; the runner is the same.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

agent=/usr/local/lib/bulkhead/agent
cp $agent agent
cp "$selftests/bad_agent.py" $agent
printf '%s\n' 'start-timeout = 10' 'agent-timeout = 10' >/etc/bulkhead.conf
trap 'mv "$tmp/agent" $agent; rm -rf "$tmp" /tmp/bad_agent /etc/bulkhead.conf' EXIT

leaves_nothing() {
	[ "$(ls -A /run/bulkhead)" = .lock ] && ! pgrep -f bad_agent >/dev/null && is_alone
}

# ends_with STATUS TEXT: as the agent is in /tmp/bad_agent
ends_with() {
	local status=0
	bulkhead run --isolation=process --name bad --rootfs rootfs -- true >out 2>err || status=$?
	[ $status -eq "$1" ] && grep -q "$2" err && leaves_nothing && return
	echo "# status $status instead of $1, for $2:"
	cat out err
	ls -A /run/bulkhead
	return 1
}

breaks_its_protocol() {
	local how
	for how in garbage version no_hello two_hellos too_long too_short reserved unknown_type \
		a_runners_request reply_to_nothing unknown_code exit_of_nobody two_exits; do
		echo $how >/tmp/bad_agent
		ends_with 125 'broke its protocol' || { echo "# $how"; return 1; }
	done
}

goes_away() {
	echo gone >/tmp/bad_agent
	ends_with 125 'the agent is gone'
}

# What a guest says reaches the terminal of who runs it as plain text.
escape_sequences_are_none() {
	echo escape_sequences >/tmp/bad_agent
	ends_with 125 'owned.*text' && ! grep -q "$(printf '[\033\007]')" err
}

says_nothing() {
	echo silent >/tmp/bad_agent
	ends_with 125 "hasn't started within 10 seconds"
}

says_half_of_it() {
	echo half_a_frame >/tmp/bad_agent
	ends_with 125 "hasn't answered for 10 seconds"
}

hangs() {
	echo hang >/tmp/bad_agent
	ends_with 125 "hasn't answered for 10 seconds"
}

connections_without_tickets() {
	echo many_connections >/tmp/bad_agent
	ends_with 9 '^out' && grep -qx out out
}

run_tests \
	breaks_its_protocol \
	goes_away \
	escape_sequences_are_none \
	says_nothing \
	says_half_of_it \
	hangs \
	connections_without_tickets
