#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make an OCI bundle: bundle.py DIR ROOTFS [PATH=JSON...] -- ARG...

The config is what "crun spec" writes, without a terminal and with a root that can be written to.
A PATH is of names and numbers, separated by dots, as in linux.namespaces.0.path=null; a dot in a
name is written as a colon. "+" in place of a number appends to an array.
"""
import json
import os
import subprocess
import sys


def change(config, path, value):
    """Sets what is at a path, and makes what is above it."""
    *above, last = [name.replace(":", ".") for name in path.split(".")]
    for name in above:
        if isinstance(config, list):
            config = config[int(name)]
        else:
            config = config.setdefault(name, {})
    if isinstance(config, dict):
        config[last] = value
    elif last == "+":
        config.append(value)
    else:
        config[int(last)] = value


directory, rootfs, *rest = sys.argv[1:]
end = rest.index("--")
os.makedirs(directory, exist_ok=True)
file = os.path.join(directory, "config.json")
if os.path.exists(file):
    os.unlink(file)
subprocess.run(["crun", "spec"], cwd=directory, check=True)
with open(file) as spec:
    config = json.load(spec)
config["process"]["args"] = rest[end + 1:]
config["process"]["terminal"] = False
config["root"] = {"path": os.path.realpath(rootfs), "readonly": False}
for setting in rest[:end]:
    path, value = setting.split("=", 1)
    change(config, path, json.loads(value))
with open(file, "w") as spec:
    json.dump(config, spec, indent=2)
