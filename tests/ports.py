"""Ports for servers that are started a moment later, or twice. They lie below those that the system itself gives to whoever asks
for any, so that no other process gets one by chance meanwhile. Knows nothing of what they are for."""

import random
import socket

AMONG = range(20_000, 32_000)


def free_port() -> int:
    """One at which nobody listens now."""
    for port in random.SystemRandom().sample(AMONG, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
