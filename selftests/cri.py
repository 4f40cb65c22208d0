# SPDX-License-Identifier: GPL-2.0-only
"""A client of Kubernetes' interface to a container runtime. Wants cri.proto compiled, as cri_pb2."""
import json

import cri_pb2
import grpc
from google.protobuf import json_format, symbol_database

READY, NOT_READY = 0, 1
CREATED, RUNNING, EXITED, UNKNOWN = range(4)


class Runtime:
    """Who answers at a socket. A call's arguments are the fields of its request."""

    def __init__(self, socket):
        self.channel = grpc.insecure_channel("unix://" + socket)

    def __getattr__(self, name):
        method = cri_pb2.DESCRIPTOR.services_by_name["RuntimeService"].methods_by_name[name]
        request, response = (symbol_database.Default().GetPrototype(part)
                             for part in (method.input_type, method.output_type))
        call = self.channel.unary_unary("/runtime.v1.RuntimeService/" + name,
                                        request_serializer=request.SerializeToString,
                                        response_deserializer=response.FromString)
        return lambda **fields: call(json_format.ParseDict(fields, request()), timeout=300)

    def run(self, pod, sandbox, name, command, **config):
        """Starts a container in a pod; gives its name for other calls."""
        config = {"metadata": {"name": name}, "command": command, "log_path": name + ".log",
                  "linux": {"security_context": {"namespace_options": {"pid": "CONTAINER"}}}, **config}
        created = self.CreateContainer(pod_sandbox_id=pod, config=config, sandbox_config=sandbox)
        self.StartContainer(container_id=created.container_id)
        return created.container_id

    def status(self, container):
        """A container's state and what it ended with."""
        return self.ContainerStatus(container_id=container).status

    def execute(self, container, *command):
        """Status, output and errors of a command in a container."""
        done = self.ExecSync(container_id=container, cmd=list(command), timeout=200)
        return done.exit_code, done.stdout.decode(), done.stderr.decode()

    def config(self):
        """That of the plugin, as it was loaded."""
        return json.loads(self.Status(verbose=True).info["config"])
