#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Real software in a container: Debian's root directory and programs, in both modes.
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"

load_network_modules
debian=${BULKHEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead}/debian
# in_box COMMANDS: in the container of $mode, its output in out
in_box() {
	bulkhead exec "$mode" sh -c "$1" >out 2>err && return
	head -c 2000 out err
	return 1
}

start() {
	mkdir -p "data-$mode"
	bulkhead run --isolation="$mode" --name "$mode" --memory 256M --detach --rootfs "$debian" \
		--net bridge --volume "data-$mode:/data" -- sleep infinity >out && grep -qx "$mode" out
}

# Unpacks, configures, and removes again: files with owners and modes, renames, fsync, file locks.
dpkg_installs() {
	in_box 'dpkg -i /root/hello.deb && hello && dpkg -V hello && dpkg -P hello && [ ! -e /usr/bin/hello ]' &&
		grep -q 'Hello, world!' out
}

python_runs() {
	cat >"data-$mode/primes.py" <<-'END'
		import os, sys
		sieve = bytearray([1]) * 20000
		primes = []
		for i in range(2, len(sieve)):
		    if sieve[i]:
		        primes.append(i)
		        sieve[i * i::i] = bytes(len(sieve[i * i::i]))
		child = os.fork()
		if not child:
		    with open("/data/primes", "w") as file:
		        file.writelines("%d\n" % prime for prime in primes)
		    os._exit(7)
		assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
		print(len(primes), primes[-1])
	END
	in_box 'python3 /data/primes.py' && grep -qx '2262 19997' out &&
		[ "$(wc -l <"data-$mode/primes")" -eq 2262 ]
}

# Each insert is a transaction of its own, on disk when it is done. What is there, the host reads too.
sqlite_keeps_its_data() {
	{
		echo 'PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; CREATE TABLE t (n INTEGER, s TEXT);'
		for ((i = 1; i <= 40; i++)); do echo "INSERT INTO t VALUES ($i, 'row $i');"; done
		echo 'SELECT count(*), sum(n) FROM t; PRAGMA integrity_check;'
	} >"data-$mode/fill.sql"
	in_box 'sqlite3 /data/test.db </data/fill.sql' && grep -qx '40|820' out && grep -qx ok out &&
		python3 -c '
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT n, s FROM t ORDER BY n").fetchall()
assert rows == [(n, "row %d" % n) for n in range(1, 41)], rows' "data-$mode/test.db"
}

# A server and its clients, over the loopback interface of the container.
redis_serves() {
	in_box 'cd /data && redis-server --port 6379 --daemonize yes --save "" >/dev/null &&
		until redis-cli ping | grep -q PONG; do sleep 0.1; done &&
		redis-benchmark -q -n 300 -c 5 -t set,get,incr && redis-cli get counter:__rand_int__ &&
		redis-cli shutdown nosave' &&
		[ "$(grep -c 'requests per second' out)" -ge 3 ] && grep -qx 300 out
}

# The same from outside: the host's clients, over the network that both are on.
redis_serves_the_host() {
	local address
	in_box "ip -4 -o addr show eth0 | grep -o '10[0-9.]*' | head -n 1" && address=$(cat out) &&
		in_box 'cd /data && redis-server --port 6379 --daemonize yes --save "" \
			--protected-mode no >/dev/null &&
			until redis-cli ping | grep -q PONG; do sleep 0.1; done' &&
		chroot "$debian" redis-benchmark -h "$address" -q -n 300 -c 5 -t set,get,incr >out &&
		[ "$(grep -c 'requests per second' out)" -ge 3 ] &&
		in_box 'redis-cli get counter:__rand_int__; redis-cli shutdown nosave' &&
		grep -qx 300 out
}

end() {
	bulkhead kill "$mode" && wait_until is_alone
}

# shellcheck disable=SC2046
run_tests $(in_modes start dpkg_installs python_runs sqlite_keeps_its_data redis_serves \
	redis_serves_the_host end)
