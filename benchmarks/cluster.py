"""Several processes of this machine as the workers of one run."""

import json
import socket


def workers(count):
    """`TF_CONFIG` of each of so many processes on this machine."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(count)]
    return [
        {
            "TF_CONFIG": json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": index},
                }
            )
        }
        for index in range(count)
    ]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
