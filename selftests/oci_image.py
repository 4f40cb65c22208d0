#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make an OCI image out of a root directory: oci_image.py ROOTFS NAME ARG... >FILE

What is written is an archive of an OCI image layout, with one image of one layer.
"""
import hashlib
import io
import json
import sys
import tarfile

archive = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")


def add(path, data):
    """Adds a file to the archive."""
    member = tarfile.TarInfo(path)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def add_blob(kind, data):
    """Adds a part of the image, and tells how others refer to it."""
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    digest = hashlib.sha256(data).hexdigest()
    add("blobs/sha256/" + digest, data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + digest,
            "size": len(data)}


rootfs, name, *args = sys.argv[1:]
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w") as tar:
    tar.add(rootfs, arcname=".")
layer = add_blob("layer.v1.tar", buffer.getvalue())
config = add_blob("config.v1+json", {
    "architecture": "amd64", "os": "linux", "config": {"Cmd": args, "Env": ["PATH=/bin"]},
    "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}})
manifest = add_blob("manifest.v1+json", {"schemaVersion": 2, "config": config, "layers": [layer]})
manifest["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
add("index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
archive.close()
