"""From an endpoint to the addresses it may be connected to: one look-up, every answer vetted.

The look-up has threads of its own, and a name is looked up once at a time: one that hangs holds up nobody but
those who want it, unless it hangs together with as many others as there are threads.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from action_runner.domain.addresses import Forbidden, vet
from action_runner.domain.target import Endpoint
from action_runner.errors import RefusedTarget, UnresolvedName

THREADS = 64
ADDRESSES_MAX = 4
"""How many of a name's addresses are tried."""

Lookup = Callable[[str, int], Sequence[str]]


def system_lookup(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the operating system resolves it. Raises OSError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


def read_allow_hosts(text: str) -> frozenset[str]:
    """The hosts of SIGNALBOX_WEBHOOK_ALLOW_HOSTS, as written, in lower case."""
    hosts = (host.strip().removeprefix("[").removesuffix("]") for host in text.split(","))
    return frozenset(host.lower() if host.isascii() else host for host in hosts if host)


class Resolver:
    """Resolves and vets."""

    def __init__(self, allow_hosts: frozenset[str], lookup: Lookup = system_lookup) -> None:
        self._allow_hosts = allow_hosts
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Addresses to connect to, in the resolver's order, at most ADDRESSES_MAX.

        Raises RefusedTarget if any answer is not public and the host is not opened as written, and
        UnresolvedName if there is no answer.
        """
        found = await self._find(endpoint)
        if endpoint.vetted and endpoint.as_written not in self._allow_hosts:
            found = tuple(_vetted(endpoint, address) for address in found)
        return found[:ADDRESSES_MAX]

    async def _find(self, endpoint: Endpoint) -> tuple[str, ...]:
        if endpoint.address is not None:
            return (endpoint.address,)
        try:
            # Whoever gives up does not end the look-up of the others.
            found = await asyncio.shield(self._look_up(endpoint.host, endpoint.port))
        except (OSError, UnicodeError) as error:
            raise UnresolvedName(f"The name {endpoint.host!r} could not be resolved: {error}.") from error
        if not found:
            raise UnresolvedName(f"The name {endpoint.host!r} has no address.")
        return tuple(found)

    def _look_up(self, host: str, port: int) -> "asyncio.Future[Sequence[str]]":
        under_way = self._under_way.get((host, port))
        if under_way is None:
            loop = asyncio.get_running_loop()
            under_way = loop.run_in_executor(self._threads, self._lookup, host, port)
            self._under_way[host, port] = under_way
            under_way.add_done_callback(lambda ended: self._looked_up((host, port), ended))
        return under_way

    def _looked_up(self, name: tuple[str, int], ended: "asyncio.Future[Sequence[str]]") -> None:
        del self._under_way[name]
        if not ended.cancelled():
            ended.exception()  # seen, though everybody who wanted it may have given up


def _vetted(endpoint: Endpoint, address: str) -> str:
    answer = vet(address)
    if isinstance(answer, Forbidden):
        via = "" if endpoint.address else f" {endpoint.host!r} resolves to it."
        raise RefusedTarget(
            f"The address {answer.address} {answer.reason}.{via} "
            f"SIGNALBOX_WEBHOOK_ALLOW_HOSTS can open the host."
        )
    return answer.address
