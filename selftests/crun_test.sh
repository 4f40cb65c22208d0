#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests that crun's source comes with, run with crun itself and with bulkhead in its place. What
# they should find is told in docs/crun-tests.md. With CRUN_TESTS=all all of them, or those of the files that
# it names; else some, and without crun itself. MODES says with what.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

suite=${BULKHEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead}/crun-tests
list=$selftests/../docs/crun-tests.md

some=(
	capabilities/some-caps-effective-non-root
	delete/test_multiple_containers_delete
	devices/mknod-device
	exec/exec-set-user-with-uid-gid exec/exec_write_pid_file
	hooks/test-fail-prestart hooks/test-hook-env-inherit
	mounts/mount-symlink mounts/mount-userns-bind-mount
	pid/pid
	pid_file/test_pid_file
	preserve_fds/preserve-fds-0
	resources/resources-unified-invalid-controller resources/resources-unified-exec-cgroup
	seccomp/seccomp-listener
	start/start-override-config start/delete-in-created-state start/sd-notify-env start/sd-notify-proxy
	tty/test-stdin-tty tty/test-detach-tty
	uid_gid/keep-groups
)
modes=${MODES-crun process partition}
if [ "${CRUN_TESTS-}" = all ]; then
	mapfile -t files < <(find "$suite/tests" -name 'test_*.py' | sed 's/.*test_\(.*\)\.py$/\1/' | sort)
elif [ "${CRUN_TESTS-}" ]; then
	read -ra files <<<"$CRUN_TESTS"
else
	modes=${MODES-process partition}
	mapfile -t files < <(printf '%s\n' "${some[@]%%/*}" | uniq)
fi

declare -A runtime=(
	[crun]=/usr/bin/crun
	[process]=/usr/local/bin/bulkhead-process
	[partition]=/usr/local/bin/bulkhead
)

# What they want to find: a file system that can have mappings of ids, some device of the host's,
# modules for Python, and that pids have five digits.
mkdir suite
mount -t tmpfs tmpfs suite
trap 'cd /; umount "$tmp/suite"; rm -rf "$tmp"' EXIT
before=$(traces)
cp -r "$suite/tests" suite
export PYTHONPATH=$selftests/crun
modprobe fuse
pid=$(sh -c 'echo $$')
[ "$pid" -ge 20000 ] || echo 20000 >/proc/sys/kernel/ns_last_pid

# run_suite WHOSE FILE: with that runtime; its results are in WHOSE.FILE
run_suite() {
	local tests=() test
	if [ ! "${CRUN_TESTS-}" ]; then
		for test in "${some[@]}"; do
			[ "${test%%/*}" != "$2" ] || tests+=("${test#*/}")
		done
	fi
	(cd suite && python3 "$selftests/crun_suite.py" "${runtime[$1]}" "$2" "${tests[@]}") >out 2>&1
	sed "s/^#/# $1:/" out | grep '^#'
	grep -v '^#' out >"$1.$2"
	# What tests that fail don't remove is still there.
	local container
	for container in $(bulkhead list --json | grep -o '"test-tmp[^"]*'); do
		bulkhead kill "${container#\"}"
	done
}

# listed SECTION FILE: what the list says of the tests of MODE.FILE; those that it doesn't name pass.
# Of what it leaves to chance, what is there.
listed() {
	awk -F ' *[|] *' -v section="## $1" '
		NR != FNR {
			wanted = $1 in result ? result[$1] : "passed"
			print $1, wanted == "passed or failed" && $2 != "skipped" ? $2 : wanted
		}
		/^## / { here = $0 == section }
		here && NF == 5 { result[$2] = $3 }' "$list" FS=' ' "$2"
}

# ends_as SECTION MODE FILE: as the list says; tells in which tests it differs
ends_as() {
	run_suite "$2" "$3"
	listed "$1" "$2.$3" >expected
	diff expected "$2.$3" >differences && [ -s "$2.$3" ] && return
	sed -n "s/^</# expected:/p; s/^>/# is:/p" differences
	return 1
}

crun() {
	ends_as 'With crun itself' crun "$1"
}

process() {
	ends_as 'With crun itself' process "$1"
}

partition() {
	ends_as 'In a partition' partition "$1"
}

# The list counts them.
as_many_as_listed() {
	local passed all
	passed=$(cat partition.* | grep -c ' passed$')
	all=$(cat partition.* | wc -l)
	echo "# $passed of $all pass in a partition"
	[ "${CRUN_TESTS-}" != all ] || grep -q "^$passed of $all pass\\.\$" "$list"
}

ktap_print_header
# shellcheck disable=SC2086
set -- $modes
ktap_set_plan $(($# * ${#files[@]} + 2))
for whose; do
	for file in "${files[@]}"; do
		ktap_test_result "${whose}_$file" "$whose" "$file"
	done
done
ktap_test_result as_many_as_listed as_many_as_listed
ktap_test_result nothing_left nothing_left
ktap_finished
