#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run tests of crun's own with an OCI runtime: crun_suite.py RUNTIME FILE [TEST...]

In a folder that has them in tests/, and there the program "init". FILE is as in tests/test_FILE.py;
without a TEST, all tests of the file. Prints "FILE/TEST passed|failed|skipped" for each, and behind
"#" what failed ones said and what the tests of the file took.
"""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

# Seconds that the tests of a file may take.
DEADLINE = 1000


def run(runtime, name, tests):
    """All that a file of tests says, on a terminal: without one, some are skipped."""
    environment = {**os.environ, "OCI_RUNTIME": runtime}
    if tests:
        environment["RUN_TESTS"] = " ".join(tests)
    master, slave = pty.openpty()
    # Nobody but the tests has the terminal to write to, so that a container left over is no obstacle.
    process = subprocess.Popen(["/usr/bin/python3", "-u", f"tests/test_{name}.py"], stdin=slave,
                               stdout=slave, stderr=slave, start_new_session=True, env=environment)
    said = b""
    end = time.monotonic() + DEADLINE
    while True:
        ended = process.poll() is not None
        if select.select([master], [], [], 0 if ended else 0.1)[0]:
            said += os.read(master, 65536)
        elif ended:
            break
        if time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            said += b"\nthey took too long\n"
            end = float("inf")
    os.close(slave)
    os.close(master)
    return said.decode(errors="replace").replace("\r\n", "\n")


def report(name, said):
    """What a file of tests found."""
    plan = re.search(r"^1\.\.(\d+)$", said, re.M)
    results = 0
    notes = []
    for line in said.split("\n"):
        # What a test says last may have no end of line.
        result = re.match(r"(.*?)(not )?ok \d+ - (\S+)( #SKIP)?$", line)
        if not result:
            notes += [line] if line else []
            continue
        notes += [result[1]] if result[1] else []
        results += 1
        what = "failed" if result[2] else "skipped" if result[4] else "passed"
        print(f"{name}/{result[3]} {what}")
        for note in notes if what == "failed" else []:
            print("#", note)
        notes = []
    if not plan or results != int(plan[1]):
        print(f"{name} failed: the results end too early")
        for note in notes:
            print("#", note)


start = time.monotonic()
report(sys.argv[2], run(sys.argv[1], sys.argv[2], sys.argv[3:]))
print(f"# took {time.monotonic() - start:.1f} s")
