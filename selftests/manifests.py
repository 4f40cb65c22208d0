#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check the Kubernetes manifests in a document: manifests.py FILE

They are its blocks of YAML. They have to have the fields that Kubernetes knows of their kinds, as
far as these are used, and no others. Prints the kinds. Blocks of TOML just have to be that.
"""
import re
import sys
import tomllib

import jsonschema
import yaml


def has(required="", **properties):
    """An object with these fields, and no others."""
    return {"type": "object", "additionalProperties": False, "required": required.split(),
            "properties": properties}


def of(values):
    """A map whose values are of a type."""
    return {"type": "object", "additionalProperties": values}


STRING = {"type": "string"}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253}
HANDLER = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
QUANTITY = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|[KMGT]i?)?$"}
METADATA = has("name", name=NAME, labels=of(STRING), annotations=of(STRING))
RESOURCES = has(limits=of(QUANTITY), requests=of(QUANTITY))
CONTAINER = has("name image", name=NAME, image=STRING, command={"type": "array", "items": STRING},
                resources=RESOURCES)
TOLERATION = has(key=STRING, operator={"enum": ["Exists", "Equal"]}, value=STRING,
                 effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]})
KINDS = {
    "RuntimeClass": has(
        "apiVersion kind metadata handler", apiVersion={"const": "node.k8s.io/v1"}, kind=STRING,
        metadata=METADATA, handler=HANDLER, overhead=has(podFixed=of(QUANTITY)),
        scheduling=has(nodeSelector=of(STRING), tolerations={"type": "array", "items": TOLERATION})),
    "Pod": has(
        "apiVersion kind metadata spec", apiVersion={"const": "v1"}, kind=STRING, metadata=METADATA,
        spec=has("containers", runtimeClassName=NAME,
                 containers={"type": "array", "minItems": 1, "items": CONTAINER})),
}

with open(sys.argv[1]) as file:
    blocks = re.findall(r"^```(yaml|toml)[ a-z]*\n(.*?)^```$", file.read(), re.M | re.S)
manifests = [manifest for kind, block in blocks if kind == "yaml"
             for manifest in yaml.safe_load_all(block)]
for kind, block in blocks:
    if kind == "toml":
        tomllib.loads(block)
for manifest in manifests:
    jsonschema.validate(manifest, KINDS[manifest["kind"]])
    print(manifest["kind"])

# A pod asks for a class that is there.
classes = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "RuntimeClass"}
for manifest in manifests:
    assert manifest["kind"] != "Pod" or manifest["spec"]["runtimeClassName"] in classes, classes
