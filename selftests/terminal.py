# SPDX-License-Identifier: GPL-2.0-only
"""bulkhead, or another program, on a terminal of its own, for tests."""
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import termios
import time

DEADLINE = 300


def wait_until(condition):
    """Waits for a condition, up to a deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


class ConsoleSocket:
    """Where an OCI runtime sends the terminals of containers and their commands."""

    def __init__(self, path):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen()

    def accept(self):
        """Returns the next terminal's descriptor."""
        connection, _ = self.server.accept()
        with connection:
            _, (master,), _, _ = socket.recv_fds(connection, 1024, 1)
        return master


class Terminal:
    """A terminal, on which a program runs; its standard error is the file err.

    Its size is another one later, while the program is starting.
    """

    def __init__(self, *args, program="bulkhead", rows=24, columns=80, later=None):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(self.slave)
        self.text = b""
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            os.dup2(self.slave, 0)
            os.dup2(self.slave, 1)
            os.dup2(os.open("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.execvp(program, [program, *args])
        if later:
            time.sleep(0.5)
            self.resize(*later)
        wait_until(self.is_raw)

    def is_raw(self):
        """Whether keys go to the guest."""
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def resize(self, rows, columns):
        """Changes the terminal's size, like a user who drags the window's corner."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def pending(self):
        """The number of bytes that it would show next."""
        return struct.unpack("i", fcntl.ioctl(self.master, termios.FIONREAD, b"\0" * 4))[0]

    def type(self, keys):
        """Types keys."""
        os.write(self.master, keys)

    def type_each(self, keys):
        """Types keys, each after the one before was read.

        A key is on its way for a moment, before it counts as one that can be read.
        """
        for key in keys:
            os.write(self.master, bytes([key]))
            time.sleep(0.2)
            wait_until(lambda: not struct.unpack("i", fcntl.ioctl(
                self.slave, termios.FIONREAD, b"\0" * 4))[0])

    def expect(self, text):
        """Waits until the terminal shows a text, from what it was last found to show on."""
        end = time.monotonic() + DEADLINE
        while text not in self.text:
            assert time.monotonic() < end, (text, self.text[-1000:])
            if select.select([self.master], [], [], 1)[0]:
                self.text += os.read(self.master, 4096)
        self.text = self.text[self.text.index(text) + len(text):]

    def kill(self, number):
        """Sends the program a signal."""
        os.kill(self.pid, number)

    def end(self, status):
        """Waits for the program to end with a status; the terminal is to be as it was."""
        end = time.monotonic() + DEADLINE
        while True:
            pid, result = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                # One in Go says what it waits for.
                self.kill(signal.SIGQUIT)
                time.sleep(5)
                self.kill(signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"doesn't end: {self.text}\n" + open("err").read())
            if select.select([self.master], [], [], 0.05)[0]:
                self.text += os.read(self.master, 4096)
        assert os.waitstatus_to_exitcode(result) == status, (result, open("err").read())
        if status != -signal.SIGKILL:
            assert termios.tcgetattr(self.slave) == self.modes


def check_shell(terminal):
    """A shell in a container, on a terminal of 33 lines of 101: what users expect of one."""
    terminal.type(b"stty size; tty\n")
    terminal.expect(b"\n33 101")
    terminal.expect(b"/dev/")
    terminal.resize(44, 90)
    terminal.type(b"until [ \"$(stty size)\" = '44 90' ]; do usleep 10000; done; echo re''sized\n")
    terminal.expect(b"resized")
    # The process in the foreground is told.
    terminal.type(b"sh -c 'trap \"stty size\" WINCH; echo re\"\"ady; while :; do usleep 10000; done'\n")
    terminal.expect(b"ready")
    terminal.resize(22, 70)
    terminal.expect(b"22 70")
    terminal.type(b"\x03")
    terminal.type(b"echo status $?\n")
    terminal.expect(b"\nstatus 130")
    # Job control, of a job that says when it goes on.
    terminal.type(b"sh -c 'trap \"echo a\\\"\\\"gain\" CONT; echo sta\"\"rted; while :; do usleep 10000; done'\n")
    terminal.expect(b"started")
    terminal.type(b"\x1a")
    terminal.expect(b"Stopped")
    terminal.type(b"bg\n")
    terminal.expect(b"again")
    terminal.type(b"jobs\n")
    terminal.expect(b"Running")
    terminal.type(b"fg\n")
    terminal.expect(b"again")
    terminal.type(b"\x03")
    terminal.type(b"echo status $?\n")
    terminal.expect(b"\nstatus 130")
