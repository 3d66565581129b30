"""Ports for engines that listen on loopback."""

import random
import socket

# Below 32768: a client that reconnects to a broker that is down may, in the range from which the kernel takes
# outgoing ports, connect to itself and keep the broker from binding for a minute.
_RANGE = range(20_000, 32_768)


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None, *, taken: frozenset[int] = frozenset()) -> int:
    """A free loopback port below 32768: `preferred` if it is free, else one at random."""
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    while True:
        port = random.choice(_RANGE)
        if port not in taken and is_free(port):
            return port
