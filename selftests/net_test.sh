#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Networks of containers, as administrators give them: bulkhead run --net and --publish.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

load_network_modules

tool=$selftests/../build/selftests/container_tool
cp "$tool" rootfs/usr/bin
mkdir -p /etc/cni/net.d

# Another host, on a network that the test VM is on: 192.0.2.2 and 2001:db8::2 to its .1 and ::1.
# It has no way to containers but those that the host makes.
ip netns add foreign
ip link add outside type veth peer name eth0 netns foreign
ip addr add 192.0.2.1/24 dev outside
ip addr add 2001:db8::1/64 dev outside nodad
ip link set outside up
ip -n foreign addr add 192.0.2.2/24 dev eth0
ip -n foreign addr add 2001:db8::2/64 dev eth0 nodad
ip -n foreign link set eth0 up
ip -n foreign link set lo up
"$tool" answer 8000 host &
servers=($!)
ip netns exec foreign "$tool" answer 8000 foreign &
servers+=($!)

before=$(traces)

end() {
	kill "${servers[@]}"
	ip netns del foreign
	ip link del outside 2>/dev/null
	rm -rf "$tmp" /etc/cni/net.d/bulkhead-test-*
}
trap end EXIT

# list NAME SUBNET [PLUGIN...]: a network of that name
list() {
	local name=$1 subnet=$2
	shift 2
	cat >"/etc/cni/net.d/bulkhead-test-$name.conflist" <<-JSON
		{"cniVersion": "0.4.0", "name": "$name", "plugins": [
		 {"type": "bridge", "bridge": "test-$name", "isGateway": true, "ipMasq": true,
		  "ipam": {"type": "host-local", "subnet": "$subnet", "dataDir": "/run/cni/networks",
			   "routes": [{"dst": "0.0.0.0/0"}]},
		  "dns": {"nameservers": ["192.0.2.53", "2001:db8::53"], "domain": "example.org",
			  "search": ["a.example.org", "b.example.org"], "options": ["ndots:2"]}},
		 {"type": "firewall", "ingressPolicy": "same-bridge"}$*]}
	JSON
}

# What networks have of containers, among what they have of their own: the latter stays, and is there
# once a container was.
state() {
	iptables-save 2>/dev/null | grep -E '^[:-]' | sed 's/ *\[.*//'
	ip6tables-save 2>/dev/null | grep -E '^[:-]' | sed 's/ *\[.*//'
	ip -o link | sed 's/^[0-9]*: *//; s/[:@].*//'
	find /run/cni /var/lib/cni -type f ! -name 'last_reserved_ip.*' ! -name lock 2>/dev/null
	traces
}

# Keeps it in the file "before". The first container makes what stays of the network.
remember() {
	[ "${first_was-}" ] ||
		bulkhead run --isolation process --net bridge -p 9001:80 --rootfs rootfs -- true || return
	first_was=y
	wait_until has_no_traces || return
	state >before
	return 0
}

# As it was then.
nothing_of_it() {
	wait_until has_no_traces && wait_until eval 'state | cmp -s - before' && return
	state | diff before - | sed 's/^/# /'
	return 1
}

# Followed by the name, and other options: a container in the background that answers by its name.
start() {
	local name=$1
	shift
	bulkhead run --isolation "$mode" --net bridge --name "$name" --detach --rootfs rootfs "$@" -- \
		container_tool answer 80 "$name" >out 2>err &&
		grep -qx "$name" out && return
	sed 's/^/# /' out err
	return 1
}

stop() {
	local name
	for name; do
		bulkhead kill --signal KILL "$name"
	done
	wait_until has_no_traces
}

# address NAME 4|6: as the container's own hosts file has it
address() {
	local pattern='^[0-9.]*$'
	[ "$2" = 4 ] || pattern=:
	awk '$2 != "localhost" { print $1 }' "/run/bulkhead/$1/hosts" | grep -- "$pattern"
}

# asks tcp|udp ADDRESS PORT ANSWER [COMMAND...]: who is asked through COMMAND answers so.
asks() {
	local got
	got=$("${@:5}" container_tool ask "${@:1:3}" 2>&1 </dev/null)
	[ "$got" = "$4" ] && return
	echo "# not $4: $* $got"
	return 1
}
PATH+=:${tool%/*}
foreign=(ip netns exec foreign)

# Without being asked for, there is none.
none() {
	bulkhead run --isolation "$mode" --rootfs rootfs -- ls /sys/class/net </dev/null >out 2>err
	says err "" && says out lo || return
	bulkhead run --isolation "$mode" --net none --rootfs rootfs -- ls /sys/class/net </dev/null >out 2>err
	says err "" && says out lo
}

both_ways() {
	local v4 v6 status=0
	start web || return
	v4=$(address web 4)
	v6=$(address web 6)
	busybox ping -q -c 1 -W 5 "$v4" >out && wait_until busybox ping -q -c 1 -W 5 "$v6" >out || status=1
	bulkhead exec web ping -q -c 1 -W 5 10.137.71.1 >out 2>&1 </dev/null &&
		bulkhead exec web ping -q -c 1 -W 5 fd5b:6b84:6ead:1::1 >out 2>&1 </dev/null || status=2
	asks tcp "$v4" 80 web && asks tcp "$v6" 80 web || status=3
	asks tcp 10.137.71.1 8000 host bulkhead exec web &&
		asks tcp fd5b:6b84:6ead:1::1 8000 host bulkhead exec web || status=4
	asks udp "$v4" 80 web && asks udp "$v6" 80 web || status=5
	# Beyond this host it is the host that asks.
	asks tcp 192.0.2.2 8000 foreign bulkhead exec web &&
		asks tcp 2001:db8::2 8000 foreign bulkhead exec web || status=6
	stop web
	return $status
}

neighbours() {
	local status=0 other
	list other 10.137.72.0/24
	start one && start two && start three --net bridge:other || return
	asks tcp "$(address two 4)" 80 two bulkhead exec one &&
		asks tcp "$(address two 6)" 80 two bulkhead exec one || status=1
	other=$(address three 4)
	[ "${other%.*}" = 10.137.72 ] && asks tcp "$other" 80 three || status=2
	! asks tcp "$other" 80 three bulkhead exec one >out || status=3
	! asks tcp "$(address one 4)" 80 one bulkhead exec three >out || status=4
	stop one two three
	return $status
}

names() {
	local v4 v6 status=0
	cp /etc/resolv.conf kept
	printf 'search example.net\nnameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.7\n' >/etc/resolv.conf
	start named
	v4=$(address named 4)
	v6=$(address named 6)
	bulkhead exec named cat /etc/hosts </dev/null >out && says out "127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
$v4	named
$v6	named" || status=1
	bulkhead exec named cat /etc/resolv.conf </dev/null >out && says out "search example.net
nameserver 192.0.2.7" || status=2
	# They are the container's to change, and not the root's.
	bulkhead exec named sh -c 'echo "192.0.2.9 nine" >>/etc/hosts; grep -c nine /etc/hosts' </dev/null >out
	says out 1 && ! grep -q nine rootfs/etc/hosts || status=3
	stop named
	cp kept /etc/resolv.conf
	list dns 10.137.73.0/24
	echo '192.0.2.10 ten' >my-hosts
	bulkhead run --isolation "$mode" --net bridge:dns --rootfs rootfs --volume my-hosts:/etc/hosts -- \
		cat /etc/hosts /etc/resolv.conf </dev/null >out 2>err
	says err "" && says out "192.0.2.10 ten
domain example.org
search a.example.org b.example.org
nameserver 192.0.2.53
nameserver 2001:db8::53
options ndots:2" || status=4
	return $status
}

# From another host, and from this one.
published() {
	local status=0
	start web -p 8080:80 --publish 192.0.2.1:8081:80 -p 5353:80/udp -p '[2001:db8::1]:8082:80' || return
	asks tcp 192.0.2.1 8080 web "${foreign[@]}" && asks tcp 2001:db8::1 8080 web "${foreign[@]}" || status=1
	asks tcp 192.0.2.1 8081 web "${foreign[@]}" && asks tcp 2001:db8::1 8082 web "${foreign[@]}" || status=2
	asks udp 192.0.2.1 5353 web "${foreign[@]}" && asks udp 2001:db8::1 5353 web "${foreign[@]}" || status=3
	asks tcp 127.0.0.1 8080 web && asks tcp 192.0.2.1 8080 web || status=4
	# One that has an address is that address' alone.
	! asks tcp 10.137.71.1 8081 web >out && ! asks tcp 192.0.2.1 8082 web >out || status=5
	# It comes to itself as others do.
	asks tcp 192.0.2.1 8080 web bulkhead exec web || status=6
	stop web
	! asks tcp 192.0.2.1 8080 web "${foreign[@]}" >out || status=7
	return $status
}

port_taken() {
	local run=(bulkhead run --isolation "$mode" --net bridge --rootfs rootfs) status=0
	fails 125 'port 8000/tcp is in use' "${run[@]}" -p 8000:80 -- true || status=1
	fails 125 'port 8000/tcp is in use' "${run[@]}" -p 127.0.0.1:8000:80 -- true || status=2
	fails 125 'port 9000/udp is in use' "${run[@]}" -p 9000:1/udp -p 9000:2/udp -- true || status=3
	fails 125 '192.0.2.77 is no address of this host' "${run[@]}" -p 192.0.2.77:9000:1 -- true || status=4
	start web -p 9000:80 || return
	fails 125 'port 9000/tcp is in use' "${run[@]}" -p 9000:80 -- true || status=5
	status_is 0 "${run[@]}" -p 9000:80/udp -- true || status=6
	stop web
	return $status
}

# mac NAME: the address of a container's interface
mac() {
	bulkhead exec "$1" cat /sys/class/net/eth0/address </dev/null
}

# listens NAME: all that a container's interface hears, whoever it is for, goes to the file NAME.heard
listens() {
	bulkhead exec "$1" container_tool frames eth0 >"$1.heard" 2>&1 </dev/null &
	wait_until grep -q ready "$1.heard"
}

# sends FROM: the spy sends a frame to the other, in the name of FROM
sends() {
	bulkhead exec spy container_tool frame eth0 "$other" "$1" </dev/null
}

hears() {
	wait_until grep -q "^$2 > $3\$" "$1.heard"
}

# A neighbour on a bridge hears what the bridge sends to it, and nothing else; and where a network checks
# who sends, it can't send in another's name.
spy() {
	local own other nobody=02:00:00:00:00:99 stranger=02:00:00:00:00:98 status=0
	list strict 10.137.78.0/24
	sed -i 's/"bridge", /&"macspoofchk": true, /' /etc/cni/net.d/bulkhead-test-strict.conflist
	start spy --net bridge:strict && mode=process start other --net bridge:strict || return
	own=$(mac spy) && other=$(mac other) && listens spy && listens other || status=1
	asks tcp "$(address other 4)" 80 other && wait_until grep -q " > $other" other.heard || status=2
	# For whom the bridge doesn't know, all get it, and the spy hears that.
	container_tool frame test-strict $nobody $stranger && hears spy $stranger $nobody || status=3
	! grep " > $other" spy.heard || status=4
	sends $nobody && sends "$own" && hears other "$own" "$other" || status=5
	! grep "^$nobody > " other.heard || status=6
	nft flush chain bridge nat PREROUTING && sends $nobody && hears other $nobody "$other" || status=7
	stop spy other
	rm /etc/cni/net.d/bulkhead-test-strict.conflist
	return $status
}

# bundle [PATH=JSON...] -- ARG...: makes one in the folder "bundle"
bundle() {
	"$selftests/bundle.py" bundle rootfs "$@"
}

# joins PATH: the bundle, the network namespace at the path
joins() {
	bundle linux.namespaces='[{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
		{"type": "network", "path": "'"$1"'"}]' -- ls /sys/class/net
}

# A namespace that others have made, as podman does.
given() {
	local run=(bulkhead run --isolation "$mode")
	ip netns add given
	ip -n given link add given0 type veth peer name given1
	joins /run/netns/given && "${run[@]}" --bundle bundle </dev/null >out 2>err
	says err "" && says out $'given0\ngiven1\nlo' || return
	# It has a network, so that the administrator's default isn't for it, and an option is a mistake.
	echo 'net = bridge' >/etc/bulkhead.conf
	"${run[@]}" --bundle bundle </dev/null >out 2>err
	rm /etc/bulkhead.conf
	says err "" && says out $'given0\ngiven1\nlo' &&
		fails 125 '--net: .* path of a network namespace' "${run[@]}" --net bridge --bundle bundle &&
		fails 125 '--publish: .* path of a network namespace' "${run[@]}" -p 1:1 --bundle bundle
	local status=$?
	ip netns del given
	return $status
}

what_is_no_namespace() {
	local run=(bulkhead run --isolation "$mode" --bundle bundle)
	joins /run/netns/nonesuch && fails 125 '/run/netns/nonesuch: there is no such namespace' "${run[@]}" &&
		joins /etc/passwd && fails 125 '/etc/passwd: not a namespace' "${run[@]}" &&
		joins /dev/null && fails 125 '/dev/null: not a namespace' "${run[@]}" &&
		joins /proc/self/ns/uts && fails 125 '/proc/self/ns/uts: of type uts, not network' "${run[@]}"
}

options() {
	local run=(bulkhead run --isolation process --rootfs rootfs)
	fails 125 '--net: host: neither' "${run[@]}" --net host -- true &&
		fails 125 '--net: bridge:: neither' "${run[@]}" --net bridge: -- true &&
		fails 125 '--net: nonesuch: no such network' "${run[@]}" --net bridge:nonesuch -- true &&
		fails 125 '--publish: there is no network' "${run[@]}" -p 1:1 -- true &&
		fails 125 '--publish: 80: not ' "${run[@]}" --net bridge -p 80 -- true &&
		fails 125 '--publish: 0:80: 0: not a port' "${run[@]}" --net bridge -p 0:80 -- true &&
		fails 125 '--publish: 1:2/sctp: sctp: neither' "${run[@]}" --net bridge -p 1:2/sctp -- true &&
		fails 125 '--net: for containers' bulkhead run --kernel /boot/x --net bridge
}

# The administrator's default.
default() {
	echo 'net = bridge' >/etc/bulkhead.conf
	bulkhead run --isolation "$mode" --rootfs rootfs -- ls /sys/class/net </dev/null >out 2>err
	says err "" && says out $'eth0\nlo' &&
		bulkhead run --isolation "$mode" --net none --rootfs rootfs -- ls /sys/class/net </dev/null >out &&
		says out lo
	local status=$?
	rm /etc/bulkhead.conf
	return $status
}

# What is wrong with a network is said, and undone.
lists() {
	local run=(bulkhead run --isolation process --rootfs rootfs) status=0
	list broken 10.137.74.0/24 ', {"type": "nonesuch"}'
	list full 10.137.75.0/30
	list old 10.137.76.0/24
	sed -i 's/0\.4\.0/0.2.0/' /etc/cni/net.d/bulkhead-test-old.conflist
	state >before
	fails 125 'network broken: nonesuch: no such CNI plugin.*containernetworking-plugins' \
		"${run[@]}" --net bridge:broken -- true && nothing_of_it || status=1
	mode=process start one --net bridge:full || return
	fails 125 'network full: CNI plugin bridge: .*no IP addresses available' \
		"${run[@]}" --net bridge:full -- true || status=2
	stop one
	fails 125 'cniVersion: 0.2.0: unknown' "${run[@]}" --net bridge:old -- true || status=3
	fails 125 '--publish: no plugin' "${run[@]}" --net bridge:broken -p 1:1 -- true || status=4
	rm /etc/cni/net.d/bulkhead-test-{broken,full,old}.conflist
	# Its own file takes the place of what is built in; one that is no list is another's.
	list bulkhead 10.137.77.0/24
	echo '{' >/etc/cni/net.d/bulkhead-test-0.conflist
	"${run[@]}" --net bridge -- ip -o -4 addr show dev eth0 </dev/null >out 2>err
	grep -q '10\.137\.77\.' out && grep -q 'bulkhead-test-0.conflist:' err || status=5
	rm /etc/cni/net.d/bulkhead-test-*.conflist
	return $status
}

# It has ended by itself, was stopped, or who has started it was.
ends() {
	local status=0
	remember || return
	bulkhead run --isolation "$mode" --net bridge -p 9001:80 --rootfs rootfs -- true || status=1
	nothing_of_it || status=2
	fails 127 nonesuch bulkhead run --isolation "$mode" --net bridge --rootfs rootfs -- nonesuch || status=3
	nothing_of_it || status=4
	bulkhead run --isolation "$mode" --name orphan --net bridge -p 9001:80 --rootfs rootfs -- \
		sh -c 'echo ready; sleep 1000' >out 2>err </dev/null &
	wait_until grep -q ready out && kill -9 $! || status=5
	wait $! 2>/dev/null
	nothing_of_it || status=6
	return $status
}

# kill_of runner|cleaner...: with a container that has both
kill_of() {
	local cleaner process
	declare -A pid
	remember || return
	start orphan -p 9001:80 -p 9001:80/udp || return
	! state | cmp -s - before || return
	cleaner=$(pgrep -x bulkhead-clean) || return
	pid=([cleaner]=$cleaner [runner]=$(awk '$1 == "PPid:" { print $2 }' "/proc/$cleaner/status"))
	for process; do
		kill -9 "${pid[$process]}" || return
	done
}

# Then the cleaner does it.
runner_killed() {
	kill_of runner && nothing_of_it
}

# And then who comes next.
both_killed() {
	kill_of cleaner runner || return
	wait_until eval '! pgrep -x agent >/dev/null' || return
	! state | cmp -s - before || return
	bulkhead run --isolation process --rootfs rootfs -- true && nothing_of_it
}

# A cleaner that is gone isn't missed as long as the runner is there.
cleaner_killed() {
	kill_of cleaner && stop orphan && nothing_of_it
}

# shellcheck disable=SC2046
run_tests $(in_modes \
	none \
	what_is_no_namespace \
	both_ways \
	neighbours \
	spy \
	names \
	published \
	port_taken \
	given \
	default \
	ends \
	runner_killed \
	both_killed \
	cleaner_killed) \
	options \
	lists \
	nothing_left
