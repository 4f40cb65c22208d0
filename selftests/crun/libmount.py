# SPDX-License-Identifier: GPL-2.0-only
"""What crun's tests take of libmount's module for Python, which Debian doesn't have."""


class Mount:
    """A line of mountinfo."""

    def __init__(self, line):
        fields, source = line.split(" - ")
        self.target, self.vfs_options = fields.split()[4:6]
        self.fs_options = source.split()[2]


class Table:
    """A file like mountinfo."""

    def __init__(self, path):
        with open(path) as file:
            self.mounts = [Mount(line) for line in file]

    def find_target(self, target):
        """The last mount at a path."""
        return next(mount for mount in reversed(self.mounts) if mount.target == target)
