#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What test scripts share. Sourced first: the script goes on in a folder of its own, with a root
# directory in rootfs. Last comes run_tests TEST...
# shellcheck disable=SC1091
source "$KSELFTEST/ktap_helpers.sh"
selftests=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
"$selftests/rootfs.sh" rootfs || exit 1

# Until "$@" succeeds; fails after a deadline.
wait_until() {
	local i
	for ((i = 0; i < 3000; i++)); do
		"$@" && return
		sleep 0.1
	done
	echo "# timed out: $*"
	return 1
}

is_running() {
	bulkhead show --json "$1" 2>/dev/null | grep -q '"running"'
}

is_alone() {
	[ "$(bulkhead list --json | tr -d ' \n')" = '[]' ]
}

# Each test is a function that succeeds or fails.
run_tests() {
	local test
	ktap_print_header
	ktap_set_plan $#
	for test; do
		ktap_test_result "$test" "$test"
	done
	ktap_finished
}
