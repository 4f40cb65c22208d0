#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What test scripts share. Sourced first: the script goes on in a folder of its own, with a root
# directory in rootfs. Last comes run_tests TEST...
# shellcheck disable=SC1091
source "$KSELFTEST/ktap_helpers.sh"
selftests=$(dirname "$(realpath "$0")")
export PYTHONPATH=$selftests PYTHONDONTWRITEBYTECODE=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
"$selftests/rootfs.sh" rootfs || exit 1

# Until "$@" succeeds; fails after a deadline, of so many seconds.
deadline=300
wait_until() {
	local end=$((SECONDS + deadline))
	while [ $SECONDS -lt $end ]; do
		"$@" && return
		sleep 0.1
	done
	echo "# timed out: $*"
	return 1
}

is_running() {
	bulkhead show --json "$1" 2>/dev/null | grep -q '"running"'
}

# What partitions and networks take of the host's kernel: the test VM's finds no modprobe by itself.
load_network_modules() {
	modprobe -a veth tun vhost_net sch_ingress cls_matchall act_mirred bridge nf_tables \
		nft_compat nft_chain_nat nft_meta_bridge nf_conntrack_netlink xt_addrtype \
		xt_comment xt_conntrack xt_mark xt_MASQUERADE xt_multiport xt_nat xt_tcpudp \
		2>/dev/null
}

# The process that runs a container.
runner_of() {
	bulkhead list --json | python3 -c '
import json, sys
print(next(p["runner"] for p in json.load(sys.stdin) if p["name"] == sys.argv[1]))' "$1"
}

is_alone() {
	[ "$(bulkhead list --json | tr -d ' \n')" = '[]' ]
}

# says FILE TEXT: all that it has
says() {
	[ "$(cat "$1")" = "$2" ] || { echo "# $1 has: $(head -c 2000 "$1")"; false; }
}

# status_is STATUS COMMAND...: its output is in out and err
status_is() {
	local want=$1 got=0
	shift
	"$@" >out 2>err </dev/null || got=$?
	[ $got -eq "$want" ] && return
	echo "# status $got instead of $want: $*"
	sed 's/^/# /' out err
	return 1
}

# fails STATUS MESSAGE COMMAND...: it does, with a message that has MESSAGE in it, and only there.
fails() {
	local want=$1 message=$2
	shift 2
	status_is "$want" "$@" && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q "^bulkhead: .*$message" err && return
	echo "# not \"$message\": $*"
	sed 's/^/# /' out err
	return 1
}

# exits STATUS PID: a child does, in the end
exits() {
	local got=0
	wait "$2" || got=$?
	[ $got -eq "$1" ] || { echo "# status $got instead of $1"; false; }
}

# Paths below /run and /sys, and mounts, that containers have.
traces() {
	find /run/bulkhead -mindepth 1 ! -name .lock 2>/dev/null
	find /sys/fs/cgroup/bulkhead -mindepth 1 -type d 2>/dev/null
	cut -d ' ' -f 5 /proc/self/mountinfo
	compgen -G '/tmp/bulkhead.*'
}
before=$(traces)

processes() {
	local name
	for name in bulkhead bulkhead-clean agent crun virtiofsd; do
		pgrep -lx $name
	done
}

has_no_traces() {
	[ "$(traces)" = "$before" ] && [ ! "$(processes)" ]
}

# Nothing of any container, a while after the last one.
nothing_left() {
	wait_until is_alone && wait_until has_no_traces && return
	diff <(echo "$before") <(traces) | sed 's/^/# /'
	processes | sed 's/^/# /'
	return 1
}

# in_modes TEST...: their names in either mode of isolation. Such a test finds it in $mode.
in_modes() {
	printf 'process_%s ' "$@"
	printf 'partition_%s ' "$@"
}

# explained TEST: runs it; what its last commands said may tell why it has failed
explained() {
	local said
	"$1" && return
	for said in out err */out */err; do
		[ -s "$said" ] || continue
		echo "# $said:"
		tail -n 5 "$said" | tr -cd '\n -~' | cut -c 1-200 | sed 's/^/# /'
	done
	return 1
}

# Each test is a function that succeeds or fails.
run_tests() {
	local test
	ktap_print_header
	ktap_set_plan $#
	for test; do
		if declare -F "$test" >/dev/null; then
			ktap_test_result "$test" explained "$test"
		else
			mode=${test%%_*}
			ktap_test_result "${mode}_${test#*_}" explained "${test#*_}"
		fi
	done
	ktap_finished
}
