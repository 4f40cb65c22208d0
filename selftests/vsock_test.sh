#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# AF_VSOCK between host and guests: bytes both ways, several connections, CIDs.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

tool=$selftests/../build/selftests/vsock_tool
cp "$tool" rootfs/usr/bin
head -c 1048576 /dev/urandom >data
cp data rootfs/root
run=(bulkhead run --rootfs rootfs)
host=2

# cid_of NAME
cid_of() {
	bulkhead show --json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["cid"])'
}

# sends CID PORT: data and back, and what comes back is the same.
sends() {
	"$tool" connect "$1" "$2" <data | cmp - rootfs/root/data
}

# Three connections at once; the guest ends when all are served.
host_to_guest() {
	local cid i pids=() status=0
	"${run[@]}" --name server -- vsock_tool echo 1000 3 </dev/null >out 2>err &
	local server=$!
	wait_until cid_of server >cid 2>/dev/null && cid=$(tail -n 1 cid) || return
	for i in 1 2 3; do
		sends "$cid" 1000 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || status=1
	done
	wait $server && [ $status -eq 0 ] && says out $host$'\n'$host$'\n'$host
}

# Two connections at once, and the host sees from which CID.
guest_to_host() {
	local cid client server
	"$tool" echo 1001 2 >peers &
	server=$!
	"${run[@]}" --name client -- sh -c "
		vsock_tool connect $host 1001 </root/data >/tmp/one &
		vsock_tool connect $host 1001 </root/data >/tmp/two &&
		wait && cmp /tmp/one /root/data && cmp /tmp/two /root/data" </dev/null >out 2>err &
	client=$!
	wait_until cid_of client >cid 2>/dev/null && cid=$(tail -n 1 cid)
	wait $client && wait $server && says peers "$cid"$'\n'"$cid"
}

# Each has a CID of its own, and what is sent to one reaches that one.
two_partitions() {
	local i cids=()
	rm -f go
	for i in 1 2; do
		# shellcheck disable=SC2016
		"${run[@]}" --name "twin$i" --interactive -- sh -c \
			"echo ready; vsock_tool echo 1002 1; read line; echo $i" \
			< <(wait_until test -e go; echo) >"out$i" 2>"err$i" &
	done
	for i in 1 2; do
		wait_until grep -q ready "out$i" && cids+=("$(cid_of "twin$i")") || return
	done
	[ "${cids[0]}" != "${cids[1]}" ] && sends "${cids[0]}" 1002 && sends "${cids[1]}" 1002
	i=$?
	touch go
	wait
	return $i
}

# A partition's end is the end of its connections, and its CID isn't the next one's.
end_of_a_partition() {
	local cid next ended peer
	rm -f killed
	"${run[@]}" --name ended -- vsock_tool echo 1003 1 </dev/null >out 2>&1 &
	ended=$!
	wait_until cid_of ended >cid 2>/dev/null && cid=$(tail -n 1 cid) || return
	"$tool" connect "$cid" 1003 < <(head -c 1 data; wait_until test -e killed) >back 2>err &
	peer=$!
	wait_until test -s back && bulkhead kill ended || return
	wait $ended
	# The host's end notices by itself.
	wait $peer && return 1
	touch killed
	"${run[@]}" --name next -- sleep 1000 </dev/null >out 2>&1 &
	wait_until cid_of next >cid 2>/dev/null && next=$(tail -n 1 cid)
	bulkhead kill next
	wait
	[ "$next" -gt "$cid" ]
}

# Somebody else's VM has the CID of the next partition.
cid_is_taken() {
	local next status=0
	"${run[@]}" --name before -- sleep 1000 </dev/null >out 2>&1 &
	wait_until cid_of before >cid 2>/dev/null && next=$(($(tail -n 1 cid) + 1))
	bulkhead kill before
	wait
	rm -f taken free
	python3 - $next <<-'END' &
		import fcntl, os, struct, sys, time
		fd = os.open("/dev/vhost-vsock", os.O_RDWR)
		fcntl.ioctl(fd, 0x4008af60, struct.pack("Q", int(sys.argv[1])))	# VHOST_VSOCK_SET_GUEST_CID
		open("taken", "w").close()
		while not os.path.exists("free"):
		    time.sleep(0.1)
	END
	wait_until test -e taken || return
	"${run[@]}" -- true </dev/null >out 2>err || status=$?
	touch free
	wait
	[ $status -eq 125 ] && grep -q "CID $next" err && "${run[@]}" -- true </dev/null
}

# Without vhost_vsock no agent can be heard. A container without a partition needs none.
without_vhost() {
	# The last test's partition may take a moment to let it go.
	wait_until modprobe -q -r vhost_vsock || return
	fails 125 'AF_VSOCK.*modprobe vhost_vsock' "${run[@]}" -- true &&
		status_is 0 "${run[@]}" --isolation process -- true
	local status=$?
	modprobe vhost_vsock
	return $status
}

run_tests \
	host_to_guest \
	guest_to_host \
	two_partitions \
	end_of_a_partition \
	cid_is_taken \
	without_vhost \
	nothing_left
