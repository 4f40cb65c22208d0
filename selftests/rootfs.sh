#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# rootfs.sh DIR: make a root directory out of busybox, for tests and the demo.
set -euo pipefail
mkdir -p "$1"/{etc,proc,sys,dev,root,tmp,usr/bin}
ln -s usr/bin "$1/bin"
cp /bin/busybox "$1/usr/bin"
# In one process: hundreds of ln take a minute in an emulated machine.
/bin/busybox --install -s "$1/usr/bin"
