# SPDX-License-Identifier: GPL-2.0-only
"""Read by Python before a test of crun's. One waits 2 s for a container; the test VM is slow."""
import socket

settimeout = socket.socket.settimeout
socket.socket.settimeout = lambda self, value: settimeout(self, value and 30 * value)
