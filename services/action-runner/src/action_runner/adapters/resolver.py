"""From an endpoint to the addresses it may be connected to: one look-up, every answer vetted.

The look-ups have threads of their own, of which a tenant has a share, and a name is looked up once at a time:
a tenant's names that hang hold up nobody else's. What was found is remembered for a few seconds.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from action_runner.domain.addresses import Forbidden, vet
from action_runner.domain.target import Endpoint
from action_runner.errors import RefusedTarget, UnresolvedName

THREADS = 64
TENANT_THREADS = 8
"""A look-up can't be ended from outside: the thread is taken until the operating system gives up."""
LOOKUP_TIMEOUT_SECONDS = 3.0
"""How long a call waits for its look-up, a free thread included."""
REMEMBERED_SECONDS = 5.0
"""How long an answer is used again; the addresses are vetted at each use."""
REMEMBERED_MAX = 1_000
ADDRESSES_MAX = 4
"""How many of a name's addresses are tried."""

Name = tuple[str, int]
"""Host and port."""
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
        self._under_way: dict[Name, asyncio.Future[Sequence[str]]] = {}
        self._shares: dict[str, _Share] = {}
        self._remembered: dict[Name, tuple[float, Sequence[str]]] = {}
        """Until when (the loop's time) and what; in the order in which they end."""

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, tenant_id: str, endpoint: Endpoint) -> tuple[str, ...]:
        """Addresses to connect to, in the resolver's order, at most ADDRESSES_MAX.

        Raises RefusedTarget if any answer is not public and the host is not opened as written, and
        UnresolvedName if there is no answer.
        """
        found = await self._find(tenant_id, endpoint)
        if endpoint.vetted and endpoint.as_written not in self._allow_hosts:
            found = tuple(_vetted(endpoint, address) for address in found)
        return found[:ADDRESSES_MAX]

    async def _find(self, tenant_id: str, endpoint: Endpoint) -> tuple[str, ...]:
        if endpoint.address is not None:
            return (endpoint.address,)
        name = (endpoint.host, endpoint.port)
        remembered = self._remembered.get(name)
        if remembered is not None and asyncio.get_running_loop().time() < remembered[0]:
            return tuple(remembered[1])
        try:
            found = await self._look_up(tenant_id, name)
        except (OSError, UnicodeError) as error:
            raise UnresolvedName(f"The name {endpoint.host!r} could not be resolved: {error}.") from error
        if not found:
            raise UnresolvedName(f"The name {endpoint.host!r} has no address.")
        return tuple(found)

    async def _look_up(self, tenant_id: str, name: Name) -> Sequence[str]:
        share = self._shares.setdefault(tenant_id, _Share())
        share.users += 1
        try:
            under_way = self._under_way.get(name)
            if under_way is None:
                await share.threads.acquire()
                # Somebody else may have begun meanwhile.
                under_way = self._under_way.get(name)
                if under_way is None:
                    under_way = self._begin(share, tenant_id, name)
                else:
                    share.threads.release()
            # Whoever gives up does not end the look-up of the others.
            return await asyncio.shield(under_way)
        finally:
            self._leave(share, tenant_id)

    def _begin(self, share: "_Share", tenant_id: str, name: Name) -> "asyncio.Future[Sequence[str]]":
        loop = asyncio.get_running_loop()
        under_way = loop.run_in_executor(self._threads, self._lookup, *name)
        self._under_way[name] = under_way
        share.users += 1

        def ended(future: "asyncio.Future[Sequence[str]]") -> None:
            del self._under_way[name]
            share.threads.release()
            self._leave(share, tenant_id)
            # An exception is seen here, though everybody who wanted the answer may have given up.
            if not future.cancelled() and future.exception() is None and future.result():
                self._remember(name, future.result(), loop.time() + REMEMBERED_SECONDS)

        under_way.add_done_callback(ended)
        return under_way

    def _leave(self, share: "_Share", tenant_id: str) -> None:
        share.users -= 1
        if not share.users:
            del self._shares[tenant_id]

    def _remember(self, name: Name, found: Sequence[str], until: float) -> None:
        self._remembered.pop(name, None)
        self._remembered[name] = (until, found)
        if len(self._remembered) > REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]


class _Share:
    """A tenant's threads, and how many wait for one or have one."""

    __slots__ = ("threads", "users")

    def __init__(self) -> None:
        self.threads = asyncio.Semaphore(TENANT_THREADS)
        self.users = 0


def _vetted(endpoint: Endpoint, address: str) -> str:
    answer = vet(address)
    if isinstance(answer, Forbidden):
        via = "" if endpoint.address else f" {endpoint.host!r} resolves to it."
        raise RefusedTarget(
            f"The address {answer.address} {answer.reason}.{via} "
            f"SIGNALBOX_WEBHOOK_ALLOW_HOSTS can open the host."
        )
    return answer.address
