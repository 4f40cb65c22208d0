#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A network namespace that others have made, and a partition that takes its place; the same in process
# isolation. "box" is such a namespace, whose other side is this one. Needs the module, crun, root, and
# a kernel for guests.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

PATH+=:/usr/sbin:/sbin

# By these, the networks of the two modes differ.
declare -A numbers=([process]=1 [partition]=2)

# add_program NAME...: to the root directory, in /programs, with its libraries
add_program() {
	local path
	for path; do
		path=$(command -v "$path") && cp "$path" rootfs/programs &&
			ldd "$path" | grep -o '/[^ ]*' | xargs cp -L --parents -t rootfs || return
	done
}

# box NAME NUMBER: a namespace with an interface eth0, whose peer here has the same name as the box
box() {
	ip netns add "$1" && ip link add "$1" type veth peer name eth0 netns "$1" &&
		ip addr add "10.77.$2.1/24" dev "$1" &&
		ip addr add "fd77:$2::1/64" dev "$1" nodad && ip link set "$1" up &&
		ip -n "$1" link set lo up && ip -n "$1" addr add "10.77.$2.2/24" dev eth0 &&
		ip -n "$1" addr add "fd77:$2::2/64" dev eth0 nodad &&
		ip -n "$1" link set eth0 up && ip -n "$1" route add default via "10.77.$2.1" &&
		ip -n "$1" route add default via "fd77:$2::1" &&
		wait_until eval "! ip -n $1 addr show tentative | grep -q ."
}

# bundle BOX COMMAND...: in the folder BOX, one whose network namespace is that of BOX
bundle() {
	local caps='["CAP_NET_RAW", "CAP_NET_BIND_SERVICE", "CAP_KILL"]'
	"$selftests/bundle.py" "$1" rootfs \
		"linux.namespaces.1={\"type\": \"network\", \"path\": \"/run/netns/$1\"}" \
		"process.capabilities={\"bounding\": $caps, \"effective\": $caps,
			\"permitted\": $caps}" -- "${@:2}"
}

# In the container that is there for this mode.
inside() {
	bulkhead exec "$mode" "$@" </dev/null
}

start() {
	box "$mode" "${numbers[$mode]}" && bundle "$mode" sleep 100000 &&
		status_is 0 bulkhead run --detach --name "$mode" --isolation "$mode" \
			--bundle "$mode"
}

# Ends a container.
end() {
	bulkhead kill "$1" && wait_until eval "! is_running $1"
}

stop() {
	end "$mode"
}

# What crun shows of a rich set-up, a partition shows, too. Not compared is what an interface is made
# of: its peer, its queues and its bus.
same_set_up() {
	local show='/programs/ip -j addr; echo; /programs/ip -j route show table all; echo
		/programs/ip -j -6 route show table all; echo; /programs/ip -j rule; echo
		/programs/ip -j neigh show nud permanent'
	box rich 9 && ip link add rich2 type veth peer name eth2 netns rich &&
		ip link set rich2 up &&
		# The names in the order in which the guest's kernel gives them the other way round.
		ip -n rich link set eth0 down && ip -n rich link set eth0 name other &&
		ip -n rich link set eth2 name eth0 && ip -n rich link set other name eth1 &&
		ip -n rich link set eth1 up && ip -n rich link set eth0 mtu 1400 up &&
		ip -n rich addr replace fd77:9::2/64 dev eth1 nodad &&
		ip -n rich addr add 10.88.0.2/30 dev eth0 &&
		ip -n rich addr add 10.88.0.3/30 dev eth0 label eth0:more &&
		ip -n rich addr add 10.99.0.1/32 dev lo &&
		ip -n rich route add default via 10.77.9.1 &&
		ip -n rich route add 10.1.0.0/16 via 10.88.0.1 metric 7 mtu 1300 &&
		ip -n rich route add blackhole 10.2.0.0/16 &&
		ip -n rich route add 10.3.0.0/16 nexthop via 10.88.0.1 weight 2 \
			nexthop via 10.77.9.1 &&
		ip -n rich route add default via 10.88.0.1 table 7 &&
		ip -n rich route add fd78::/64 via fd77:9::1 metric 5 &&
		ip -n rich rule add from 10.88.0.2 table 7 priority 100 &&
		ip -n rich neigh add 10.88.0.1 lladdr 02:00:00:00:00:09 dev eth0 &&
		wait_until eval '! ip -n rich addr show tentative | grep -q .' &&
		bundle rich sh -c "$show" || return
	bulkhead run --isolation process --bundle rich >process.json &&
		bulkhead run --bundle rich >partition.json || return
	python3 - <<-'EOF'
		import json
		made_of = ["link_index", "link_netnsid", "qdisc", "parentbus", "parentdev", "txqlen"]

		def read(name):
		    parts = [json.loads(line) for line in open(name) if line.strip()]
		    for part in parts:
		        for thing in part:
		            for key in made_of:
		                thing.pop(key, None)
		            for address in thing.get("addr_info", []):
		                address.pop("valid_life_time", None)
		                address.pop("preferred_life_time", None)
		    return [sorted(part, key=str) for part in parts]

		for one, two in zip(read("process.json"), read("partition.json"), strict=True):
		    for thing in one:
		        if thing not in two:
		            print("# lacks", thing)
		    for thing in two:
		        if thing not in one:
		            print("# has", thing)
		    assert one == two
	EOF
}

pings() {
	inside ping -c 2 "10.77.${numbers[$mode]}.1" >out && inside ping -6 -c 2 "fd77:${numbers[$mode]}::1" >out &&
		busybox ping -c 2 "10.77.${numbers[$mode]}.2" >out &&
		busybox ping -6 -c 2 "fd77:${numbers[$mode]}::2" >out &&
		inside ping -c 1 127.0.0.1 >out && inside ping -6 -c 1 ::1 >out
}

# A server in the container, and a client here; and the other way round.
serve() {
	bulkhead exec "$mode" /programs/iperf3 -s >server 2>&1 </dev/null &
	wait_until iperf3 -c "10.77.${numbers[$mode]}.2" -n 1 >out 2>&1
}

tcp() {
	local address
	serve || return
	for address in "10.77.${numbers[$mode]}.2" "fd77:${numbers[$mode]}::2"; do
		iperf3 -c "$address" -n 8M >out && iperf3 -c "$address" -R -n 8M >out || return
	done
	iperf3 -s >server 2>&1 &
	local server=$!
	wait_until inside /programs/iperf3 -c "10.77.${numbers[$mode]}.1" -n 1 >out 2>&1
	inside /programs/iperf3 -c "10.77.${numbers[$mode]}.1" -n 8M >out &&
		inside /programs/iperf3 -c "fd77:${numbers[$mode]}::1" -R -n 8M >out
	local status=$?
	kill $server
	return $status
}

# What is lost is shown: an emulated machine is no measure of it.
udp() {
	local way
	for way in '' -R; do
		# shellcheck disable=SC2086
		iperf3 -c "10.77.${numbers[$mode]}.2" -u -b 1M -t 2 --json $way >out || return
		python3 -c 'import json; sum = json.load(open("out"))["end"]["sum"]
print("# UDP: %d datagrams, %d lost" % (sum["packets"], sum["lost_packets"]))
assert sum["lost_packets"] < sum["packets"] / 2' || return
	done
}

# Datagrams to a group, both ways.
multicast() {
	bulkhead exec "$mode" container_tool group 239.7.7.7 7000 >heard </dev/null &
	wait_until grep -q ready heard && container_tool say 239.7.7.7 7000 "10.77.${numbers[$mode]}.1" &&
		wait_until grep -q hello heard && exits 0 $! || return
	container_tool group 239.7.7.7 7000 "10.77.${numbers[$mode]}.1" >heard &
	wait_until grep -q ready heard && inside container_tool say 239.7.7.7 7000 &&
		wait_until grep -q hello heard && exits 0 $!
}

# claims ADDRESS: the container sends a datagram in the name of the address
claims() {
	inside container_tool claim "$1" "10.77.${numbers[$mode]}.1" 7001
}

# hears ADDRESS: at last
hears() {
	wait_until grep -qx "::ffff:$1" heard
}

# What the host filters of a container's packets, it filters of a partition's: a neighbour's address, if
# there is a rule; and always one to which another way leads.
spoofing() {
	local net=10.77.${numbers[$mode]} status=0
	echo 1 >"/proc/sys/net/ipv4/conf/$mode/rp_filter"
	nft -f - <<-END || return
		table netdev spoofing {
			chain ingress {
				type filter hook ingress device "$mode" priority 0
				ip saddr != $net.2 udp dport 7001 drop
			}
		}
	END
	container_tool senders 7001 >heard &
	wait_until grep -q ready heard && claims "$net.77" && claims 192.0.2.9 && claims "$net.2" &&
		hears "$net.2" && ! grep -q '77$\|9$' heard || status=1
	nft delete table netdev spoofing
	claims 192.0.2.9 && claims "$net.77" && hears "$net.77" && ! grep -q '9$' heard || status=2
	[ $status -eq 0 ] || sed "s/^/# $status: /" heard
	kill $!
	return $status
}

connections() {
	mkdir -p rootfs/www && echo hello >rootfs/www/index.html
	bulkhead exec "$mode" httpd -f -p 80 -h /www >server 2>&1 </dev/null &
	python3 - "10.77.${numbers[$mode]}.2" <<-'EOF'
		import socket
		import sys
		import time
		address = sys.argv[1], 80
		for i in range(1000):
		    while True:
		        try:
		            connection = socket.create_connection(address, 60)
		            break
		        except ConnectionRefusedError:
		            assert i == 0
		            time.sleep(0.1)
		    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
		    answer = b""
		    while more := connection.recv(4096):
		        answer += more
		    assert answer.endswith(b"hello\n"), answer
	EOF
}

# The interface's counters, for both who ask for figures and who look at a partition.
counters() {
	status_is 0 bulkhead stats --json "$mode" && python3 -c '
import json
[stats] = json.load(open("out"))
[eth0] = stats["interfaces"]
assert eth0["name"] == "eth0" and eth0["rx-packets"] > 1000 and eth0["tx-bytes"] > 2**20' &&
		status_is 0 bulkhead stats "$mode" && grep -q "^$mode  *eth0  *[0-9]" out || return
	[ "$mode" = process ] || {
		status_is 0 bulkhead show "$mode" && grep -q "^$mode  *eth0  *[0-9]" out &&
			status_is 0 bulkhead show --json "$mode" && grep -q '"rx-packets"' out
	}
}

mtu() {
	local mtu
	for mtu in 1280 9000; do
		ip link set "$mode" mtu $mtu && ip -n "$mode" link set eth0 mtu $mtu &&
			bundle "$mode" sh -c "cat /sys/class/net/eth0/mtu
				ping -c 1 -s $((mtu - 28)) 10.77.${numbers[$mode]}.1 >/dev/null &&
				/programs/iperf3 -c 10.77.${numbers[$mode]}.1 -n 2M >/dev/null && echo good" || return
		iperf3 -s -1 >server 2>&1 &
		bulkhead run --isolation "$mode" --bundle "$mode" >out && says out "$mtu"$'\ngood' || return
	done
}

# Without the partition, packets of the namespace's go where they went before.
given_back() {
	ip netns exec "$mode" busybox ping -c 1 "10.77.${numbers[$mode]}.1" >out &&
		! ip -n "$mode" -o link | grep -q bhtap &&
		[ ! "$(ip netns exec "$mode" tc qdisc show dev eth0 ingress)" ]
}

event_is() {
	wait_until grep -q "^$1" events
}

carrier_is() {
	wait_until eval "[ \"\$(inside cat /sys/class/net/eth0/carrier)\" = $1 ]"
}

# The one side goes down, and so does the other; it goes on when that is up again.
link_down_and_up() {
	ip link set partition down && carrier_is 0 &&
		event_is 'device-changed .* link down' &&
		bulkhead show partition | grep -q 'net .* link down' &&
		ip link set partition up && carrier_is 1 && event_is 'device-changed .* link up' &&
		wait_until inside ping -c 1 -w 5 10.77.2.1 >out
}

# What it was connected to is gone: an event, and a container that goes on without.
unplugged() {
	box plug 6 && bundle plug sleep 1000 &&
		status_is 0 bulkhead run --detach --name plug --bundle plug || return
	local mode=plug
	ip link del plug && event_is 'device-failed .* plug, .* net' && carrier_is 0 &&
		bulkhead show plug | grep -q 'net .* failed link down' &&
		! inside ping -c 1 -w 5 10.77.6.1 >out && inside true &&
		end plug && ip netns del plug
}

tap_removed() {
	box tap 3 && bundle tap sleep 1000 &&
		status_is 0 bulkhead run --detach --name tap --bundle tap || return
	local mode=tap
	ip -n tap link del "$(ip -n tap -o link | grep -o 'bhtap[0-9]*')" &&
		event_is 'device-failed .* tap, .* net' && carrier_is 0 && inside true &&
		end tap && ip netns del tap
}

# Each CPU of the guest has queues of its own, and all of them carry.
several_queues() {
	box queues 4 && bundle queues sh -c '
		ls -d /sys/class/net/eth0/queues/*; /programs/iperf3 -s -1 >/dev/null' || return
	bulkhead run --name queues --cpus 2 --bundle queues >out 2>err &
	wait_until iperf3 -c 10.77.4.2 -P 4 -n 8M >iperf 2>&1 || return
	exits 0 $! && [ "$(grep -c 'queues/rx-' out)" -eq 2 ] &&
		[ "$(grep -c 'queues/tx-' out)" -eq 2 ] && ip netns del queues
}

# flow: sends 64 MiB to the box "calm", and prints how fast. With --json, iperf3 exits with 0 whatever
# happens.
flow() {
	timeout 60 iperf3 -c 10.77.10.2 -n 64M --json >flow && python3 -c '
import json
print("%.0f" % (json.load(open("flow"))["end"]["sum_received"]["bits_per_second"] / 2**23))'
}

# cpu_share CONTAINER: percent of a CPU, for a while; the kernel's work for its interfaces included
cpu_share() {
	local file
	file=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(runner_of "$1")/cgroup")/cpu.stat
	python3 - "$file" <<-'EOF'
		import sys
		import time

		def sample():
		    return int(open(sys.argv[1]).readline().split()[1]), time.monotonic()

		used, start = sample()
		time.sleep(3)
		used2, end = sample()
		print("%.0f" % ((used2 - used) / (end - start) / 1e4))
	EOF
}

has_sent() {
	[ "$(cat "/sys/class/net/$1/statistics/rx_packets")" -gt "$2" ]
}

# flooded OPTION...: what a guest that sends all it can leaves to others. Sets "share".
flooded() {
	local rate server sent status=0
	sent=$(cat /sys/class/net/flood/statistics/rx_packets)
	# It would be busy with a client that has been killed.
	iperf3 -s >server 2>&1 &
	server=$!
	status_is 0 bulkhead run --detach --name flood --bundle flood "$@" &&
		wait_until has_sent flood $((sent + 1000)) && share=$(cpu_share flood) &&
		rate=$(flow) && ip netns exec calm timeout 60 busybox ping -c 20 -i 0.2 10.77.10.1 >out &&
		echo "# with ${*:-no limit}: the guest has $share % of a CPU, others $rate MiB/s" &&
		echo "# $(grep round-trip out), $(grep -o '[0-9]*% packet loss' out)" &&
		grep -Eq ' [05]% packet loss' out && has_sent flood $((sent + 1100)) || status=1
	end flood
	kill $server
	return $status
}

# A guest that sends all it can has the share of its cgroup, others on this host have theirs.
flood() {
	local rate server share=100 status=0
	box calm 10 && box flood 8 &&
		bundle flood sh -c 'while :; do /programs/iperf3 -c 10.77.8.1 -u -b 0 -t 60; done' || return
	ip netns exec calm iperf3 -s >calm_server 2>&1 &
	server=$!
	wait_until iperf3 -c 10.77.10.2 -n 1 >out 2>&1 && rate=$(flow) &&
		echo "# without a flood: $rate MiB/s" && flooded && flooded --cpus 0.5 &&
		[ "$share" -le 60 ] || status=1
	kill $server
	ip netns del flood && ip netns del calm && return $status
}

# What is left when the runner is killed is the interface as it was.
killed() {
	box killed 7 && bundle killed sleep 1000 &&
		status_is 0 bulkhead run --detach --name killed --bundle killed || return
	kill -9 "$(runner_of killed)"
	local mode=killed
	numbers[killed]=7
	wait_until given_back && ip netns del killed
}

# Who has a namespace's place has it alone.
taken_once() {
	box once 5 && bundle once sleep 1000 &&
		status_is 0 bulkhead run --detach --name once --bundle once &&
		fails 125 'network: eth0: another partition has it' bulkhead run --bundle once &&
		ip netns exec once tc filter show dev eth0 ingress | grep -q mirred &&
		end once && ip netns del once
}

not_ethernet() {
	ip netns add tunnel && ip -n tunnel tuntap add mode tun name tun7 &&
		bundle tunnel true && status_is 0 bulkhead run --bundle tunnel &&
		ip -n tunnel link set tun7 up &&
		fails 125 'network: tun7: not an Ethernet interface' bulkhead run --bundle tunnel &&
		ip netns del tunnel
}

# Says which module, and leaves nothing.
without_modules() {
	local module status
	ip netns add without && ip -n without link add eth0 type dummy && bundle without true ||
		return
	for module in vhost_net tun sch_ingress cls_matchall act_mirred; do
		# Nor does the kernel load it by itself.
		echo "install $module false" >/etc/modprobe.d/bulkhead-test.conf
		[ $module != tun ] || rmmod vhost_net
		wait_until rmmod $module &&
			fails 125 "modprobe .*$module" bulkhead run --bundle without
		status=$?
		rm /etc/modprobe.d/bulkhead-test.conf
		load_network_modules
		[ $status -eq 0 ] && [ "$(ip -n without -o link | wc -l)" -eq 2 ] &&
			[ ! "$(ip netns exec without tc qdisc show dev eth0 ingress)" ] || return
	done
	ip netns del without
}

load_network_modules
modprobe dummy
mkdir -p rootfs/programs
cp "$selftests/../build/selftests/container_tool" rootfs/usr/bin
add_program ip iperf3 || exit
PATH+=:$selftests/../build/selftests
bulkhead monitor >events &
monitor=$!
# The folder of namespaces is a mount, and stays.
ip netns add first && ip netns del first
before=$(traces)
ended() {
	ip netns del rich && ip netns del process && ip netns del partition && kill $monitor &&
		nothing_left
}

# shellcheck disable=SC2046
run_tests \
	same_set_up \
	$(in_modes start pings tcp udp multicast spoofing connections counters) \
	link_down_and_up \
	$(in_modes stop given_back mtu) \
	unplugged \
	tap_removed \
	several_queues \
	flood \
	killed \
	taken_once \
	not_ethernet \
	without_modules \
	ended
