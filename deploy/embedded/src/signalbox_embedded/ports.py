"""Free TCP ports on 127.0.0.1."""

import random
import socket
from contextlib import ExitStack

from signalbox_embedded.errors import EmbeddedError

# Below the range that systems hand out to outgoing connections (32768 up on Linux, 49152 up elsewhere), so
# that no connection takes the port of a process that is just restarting.
LOWEST, HIGHEST = 15_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different ports that are free now."""
    with ExitStack() as held:
        found: list[int] = []
        for port in random.SystemRandom().sample(range(LOWEST, HIGHEST), 400 + count):
            if len(found) == count:
                break
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    if len(found) < count:
        raise EmbeddedError(f"found only {len(found)} of {count} free ports between {LOWEST} and {HIGHEST}")
    return tuple(found)


def is_listening(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
