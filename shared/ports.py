"""TCP ports of loopback for whatever listens on this machine."""

import random
import socket

# Below 32768: a client that reconnects to a server that is down may, in the range from which the kernel takes
# outgoing ports, connect to itself and keep the server from binding for a minute.
_RANGE = range(15_000, 32_768)
_ATTEMPTS = 1000


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
    """A free loopback port below 32768: `preferred` if it is free, else one at random. OSError where there is none."""
    for port in (preferred, *random.sample(_RANGE, _ATTEMPTS)):
        if port is not None and port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {_RANGE.start} and {_RANGE.stop - 1} was found on 127.0.0.1")
