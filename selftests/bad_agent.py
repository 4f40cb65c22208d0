#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""An agent as a hostile guest would have it, in the place of the real one: see agent_test.sh.

Its working directory is the container's; the file /tmp/bad_agent says how it misbehaves.
"""

import socket
import struct
import sys
import time

HELLO, EXITED, READY, REPLY, NETWORK, CREATE, START, EXEC = range(1, 9)
DONE = 0


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect("agent")
    return s


def frame(kind, data=b"", process=0, length=None, reserved=0):
    length = len(data) if length is None else length
    return struct.pack("<IHHI", length, kind, reserved, process) + data


def hello(version=6):
    return frame(HELLO, struct.pack("<I", version))


def reply(request, code=DONE, text=b"", process=0):
    return frame(REPLY, struct.pack("<HH", request, code) + text, process)


def exited(process=0, status=0):
    return frame(EXITED, struct.pack("<II", status, 0), process)


def take(s):
    """The next request, and its data."""
    head = s.recv(12, socket.MSG_WAITALL)
    length, kind, _, process = struct.unpack("<IHHI", head)
    return kind, process, s.recv(length, socket.MSG_WAITALL)


def serve_create(s):
    """Says that the container is created, and connects its streams."""
    s.sendall(hello())
    kind, _, data = take(s)
    assert kind == CREATE
    streams = []
    for ticket in struct.unpack("<3Q", data[:24]):
        if ticket:
            streams.append(connect())
            streams[-1].sendall(struct.pack("<Q", ticket))
    s.sendall(reply(CREATE))
    return streams


def serve_start(s):
    streams = serve_create(s)
    assert take(s)[0] == START
    s.sendall(reply(START))
    return streams


how = open("/tmp/bad_agent").read().strip()
if how == "silent":
    time.sleep(1000)
s = connect()
rest = []
if how == "garbage":
    s.sendall(bytes(range(256)) * 16)
elif how == "version":
    s.sendall(hello(1))
elif how == "no_hello":
    s.sendall(reply(CREATE))
elif how == "two_hellos":
    s.sendall(hello() + hello())
elif how == "too_long":
    s.sendall(hello() + frame(REPLY, length=0x7FFFFFFF))
elif how == "too_short":
    s.sendall(hello() + frame(EXITED, b"1234567"))
elif how == "reserved":
    s.sendall(hello() + frame(EXITED, b"12345678", reserved=1))
elif how == "unknown_type":
    s.sendall(hello() + frame(4711))
elif how == "a_runners_request":
    s.sendall(hello() + frame(START))
elif how == "reply_to_nothing":
    s.sendall(hello() + reply(EXEC, process=7))
elif how == "unknown_code":
    s.sendall(hello())
    take(s)
    s.sendall(reply(CREATE, code=99))
elif how == "exit_of_nobody":
    s.sendall(hello() + exited(process=5))
elif how == "two_exits":
    rest = serve_start(s)
    s.sendall(exited() + exited())
elif how == "gone":
    s.sendall(hello())
    take(s)
    s.close()
    sys.exit()
elif how == "escape_sequences":
    s.sendall(hello())
    take(s)
    s.sendall(reply(CREATE, code=1, text=b"\x1b]0;owned\x07 \xff\x00text"))
elif how == "half_a_frame":
    s.sendall(hello() + reply(CREATE)[:10])
elif how == "hang":
    rest = serve_start(s)
elif how == "many_connections":
    # None has a ticket, some have a part of one, some a wrong one: the container isn't harmed.
    for i in range(600):
        rest.append(connect())
        try:
            rest[-1].sendall(b"x" * (i % 9))
        except BrokenPipeError:
            pass
    streams = serve_start(s)
    for stream in streams:
        stream.sendall(b"out\n")
        stream.close()
    s.sendall(exited(status=9))
# One that stays when its runner has had enough has to be killed.
if how == "hang":
    time.sleep(1000)
try:
    while s.recv(4096):
        pass
except OSError:
    pass
