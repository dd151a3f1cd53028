"""The HTTP client against receivers that behave badly, on asyncio's own loop and on uvloop."""

import asyncio
import gzip
import hashlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from action_runner.adapters.http_client import HttpClient
from action_runner.adapters.http_messages import (
    BODY_KEPT_BYTES,
    RESPONSE_BYTES_MAX,
    HttpRequest,
    HttpResponse,
    NoResponse,
)
from action_runner.adapters.resolver import THREADS, Resolver, read_allow_hosts, system_lookup
from action_runner.domain.target import read_target
from tests.integration.action_runner.certificates import certificate
from tests.integration.action_runner.receivers import OK, answering, read_request, receiver


class Names:
    """A resolver's look-up with names of our own; a name's answers are given one after the other."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        known = self.answers.get(host.removesuffix(".example"))
        if known is None:
            return system_lookup(host, port)
        return known[min(self.asked.count(host), len(known)) - 1]


class Client:
    """A client with an allow-list and names."""

    def __init__(
        self, allow: str = "127.0.0.1", names: Names | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.http = HttpClient(Resolver(read_allow_hosts(allow), names or Names()), tls)

    async def post(
        self, url: str, timeout_seconds: float = 2.0, body: bytes = b"{}", repeatable: bool = True
    ) -> HttpResponse | NoResponse:
        request = HttpRequest("POST", read_target(url), (("X-A", "b"),), body, repeatable)
        return await self.http.send(request, timeout_seconds)

    async def ok(self, url: str, timeout_seconds: float = 2.0) -> HttpResponse:
        answer = await self.post(url, timeout_seconds)
        assert isinstance(answer, HttpResponse), answer
        return answer

    async def refused(self, url: str, timeout_seconds: float = 2.0) -> NoResponse:
        answer = await self.post(url, timeout_seconds)
        assert isinstance(answer, NoResponse), answer
        return answer


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.http.close()


# --- what is read ---------------------------------------------------------------------------------


async def test_an_answer_is_read_and_the_connection_kept(client: Client) -> None:
    connections = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(OK)

    async with receiver(behave) as port:
        for _ in range(3):
            answer = await client.ok(f"http://127.0.0.1:{port}/")
            assert (answer.status, answer.body_start, answer.complete) == (200, b"ok", True)
            assert answer.body_sha256 == hashlib.sha256(b"ok").hexdigest()
    assert connections == 1


@pytest.mark.parametrize(
    ("wire", "body", "kept"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: x\r\n\r\n",
            b"abc",
            True,
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"ok", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", b"x", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x", False),
        (OK + b"surplus", b"ok", False),
        (OK + OK, b"ok", False),
    ],
)
async def test_forms_of_answers(client: Client, wire: bytes, body: bytes, kept: bool) -> None:
    connections = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(wire)

    async with receiver(behave) as port:
        for _ in range(2):
            answer = await client.ok(f"http://127.0.0.1:{port}/")
            assert (answer.body_start, answer.complete) == (body, True)
    assert connections == (1 if kept else 2)


async def test_bytes_that_come_after_an_answer_never_answer_the_next_request(client: Client) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n")
        await read_request(reader)
        writer.write(OK)

    async with receiver(behave) as port:
        url = f"http://127.0.0.1:{port}/"
        assert (await client.ok(url)).status == 200
        await asyncio.sleep(0.15)
        assert (await client.ok(url)).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(client: Client, status: int) -> None:
    hidden, followed = answering(OK)
    async with receiver(hidden) as target:
        wire = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{target}/\r\nContent-Length: 0\r\n\r\n"
        behave, _ = answering(wire.encode())
        async with receiver(behave) as port:
            assert (await client.ok(f"http://127.0.0.1:{port}/")).status == status
    assert followed == []


async def test_a_huge_body_is_read_to_the_limit_and_its_beginning_kept(client: Client) -> None:
    sent = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with receiver(behave) as port:
        answer = await client.ok(f"http://127.0.0.1:{port}/", 10)
    assert (answer.status, answer.complete) == (200, False)
    assert answer.body_start == b"x" * BODY_KEPT_BYTES
    assert answer.body_bytes <= RESPONSE_BYTES_MAX + 262_144
    assert sent < 50_000_000


async def test_a_compressed_bomb_stays_compressed(client: Client) -> None:
    bomb = gzip.compress(bytes(100_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    behave, requests = answering(head + bomb)
    async with receiver(behave) as port:
        answer = await client.ok(f"http://127.0.0.1:{port}/", 10)
    assert answer.body_bytes == len(bomb) < 200_000
    assert answer.body_start == bomb[:BODY_KEPT_BYTES]
    assert b"Accept-Encoding: identity\r\n" in requests[0]


async def test_a_slow_body_does_not_hide_the_status_and_ends_in_time(client: Client) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    loop = asyncio.get_running_loop()
    async with receiver(behave) as port:
        began = loop.time()
        answer = await client.ok(f"http://127.0.0.1:{port}/", 0.3)
        assert loop.time() - began < 1
    assert (answer.status, answer.complete) == (200, False)


@pytest.mark.parametrize("wire", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_no_status_in_time_is_a_timeout_and_the_request_was_sent(client: Client, wire: bytes) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(wire)
        await asyncio.sleep(30)

    async with receiver(behave) as port:
        answer = await client.refused(f"http://127.0.0.1:{port}/", 0.2)
    assert (answer.kind, answer.sent) == ("timeout", True)


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000,
    ],
)
async def test_what_is_no_clean_http_is_no_answer(client: Client, wire: bytes) -> None:
    behave, _ = answering(wire)
    async with receiver(behave) as port:
        answer = await client.refused(f"http://127.0.0.1:{port}/")
    assert (answer.kind, answer.sent) == ("protocol", True)


async def test_a_kept_connection_that_was_closed_is_replaced_once(client: Client) -> None:
    behave, requests = answering(OK, close=True)
    async with receiver(behave) as port:
        url = f"http://127.0.0.1:{port}/"
        assert [(await client.ok(url)).status for _ in range(3)] == [200, 200, 200]
    assert len(requests) == 3


@pytest.mark.parametrize(("repeatable", "count"), [(True, 3), (False, 2)])
async def test_a_request_lost_on_a_kept_connection_is_repeated_and_what_may_not_be_uses_none(
    client: Client, repeatable: bool, count: int
) -> None:
    requests = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1
        writer.write(OK)
        await read_request(reader)
        requests += 1  # and closes without a word

    async with receiver(behave) as port:
        url = f"http://127.0.0.1:{port}/"
        await client.post(url)
        answer = await client.post(url, repeatable=repeatable)
    assert isinstance(answer, HttpResponse)
    assert requests == count


async def test_a_request_that_may_not_be_repeated_and_gets_no_answer_is_sent_once(client: Client) -> None:
    requests = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1  # and closes without a word

    async with receiver(behave) as port:
        answer = await client.post(f"http://127.0.0.1:{port}/", repeatable=False)
    assert isinstance(answer, NoResponse)
    assert answer.sent
    assert requests == 1


async def test_a_cancelled_call_leaves_no_connection_to_be_reused(client: Client) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(0.2)
        writer.write(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")
        await read_request(reader)
        writer.write(OK)

    async with receiver(behave) as port:
        url = f"http://127.0.0.1:{port}/"
        call = asyncio.create_task(client.post(url))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        second = asyncio.create_task(client.post(url))
        await asyncio.sleep(0)
        answer = await second
    assert isinstance(answer, HttpResponse)
    assert answer.status == 500  # the fresh connection's own first answer


# --- where it goes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://localhost.:{port}/",
        "http://LOCALHOST:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://[2002:7f00:1::]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::]:{port}/",
        "http://inner.example:{port}/",
    ],
)
async def test_private_addresses_are_refused_and_nothing_connects(url: str) -> None:
    behave, requests = answering(OK)
    client = Client(allow="", names=Names(inner=[["127.0.0.1"]]))
    async with receiver(behave) as port:
        answer = await client.refused(url.format(port=port))
    assert (answer.kind, answer.sent) == ("address-refused", False)
    assert requests == []
    await client.http.close()


@pytest.mark.parametrize("other", ["10.0.0.1", "::1", "169.254.169.254"])
@pytest.mark.parametrize("first", [True, False])
async def test_one_private_answer_among_several_refuses_the_name(other: str, first: bool) -> None:
    answers = [other, "93.184.215.14"] if first else ["93.184.215.14", other]
    client = Client(allow="", names=Names(mixed=[answers]))
    assert (await client.refused("http://mixed.example/")).kind == "address-refused"
    await client.http.close()


async def test_a_name_that_flips_is_connected_to_where_it_was_vetted() -> None:
    names = Names(flip=[["192.0.2.1"], ["127.0.0.1"]])
    client = Client(allow="", names=names)
    behave, requests = answering(OK)
    async with receiver(behave) as port:
        for _ in range(3):
            assert (await client.refused(f"http://flip.example:{port}/")).kind == "address-refused"
    assert requests == []
    # An answer is remembered for a few seconds and vetted at each use; a connection never asks again.
    assert names.asked == ["flip.example"]
    await client.http.close()


async def test_the_connection_goes_to_the_vetted_address_with_the_name_in_host() -> None:
    names = Names(open=[["127.0.0.1"], ["192.0.2.1"]])
    client = Client(allow="open.example", names=names)
    behave, requests = answering(OK)
    async with receiver(behave) as port:
        assert (await client.ok(f"http://open.example:{port}/x")).status == 200
        assert (await client.ok(f"http://open.example:{port}/x")).status == 200
    assert requests[0].startswith(f"POST /x HTTP/1.1\r\nHost: open.example:{port}\r\n".encode())
    assert names.asked == ["open.example"]
    await client.http.close()


@pytest.mark.parametrize(
    ("allow", "host", "is_open"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", False),
        ("127.0.0.1", "[::ffff:127.0.0.1]", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "①②⑦.⓪.⓪.①", False),
        ("127.0.0.1", "127。0。0。1", False),
        ("localhost", "ｌｏｃａｌｈｏｓｔ", False),
        ("kiosk.localhost", "\u212aiosk.localhost", False),
        ("[::1]", "[0:0:0:0:0:0:0:1]", False),
        ("localhost", "localhost", True),
        ("LocalHost", "LOCALHOST", True),
        ("localhost", "localhost.", False),
        ("localhost", "127.0.0.1", False),
        ("example", "inner.example", False),
        ("*", "localhost", False),
        ("", "127.0.0.1", False),
    ],
)
async def test_the_allow_list_opens_exactly_the_host_as_written(allow: str, host: str, is_open: bool) -> None:
    behave, requests = answering(OK)
    client = Client(allow=allow, names=Names(inner=[["127.0.0.1"]], localhost=[["127.0.0.1"]]))
    async with receiver(behave) as port:
        answer = await client.post(f"http://{host}:{port}/")
    assert isinstance(answer, HttpResponse) == is_open, answer
    assert len(requests) == int(is_open)
    await client.http.close()


async def test_a_dead_first_address_leaves_time_for_the_next() -> None:
    # A listening socket whose queue is full takes no connection, as a host that is down.
    full = socket.create_server(("127.0.0.2", 0), backlog=0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.2", port))
    behave, _ = answering(OK)
    client = Client(allow="two.example", names=Names(two=[["127.0.0.2", "127.0.0.1"]]))
    async with receiver(behave, port=port):
        assert (await client.ok(f"http://two.example:{port}/", 1.0)).status == 200
    for one in (*fillers, full):
        one.close()
    await client.http.close()


async def test_names_that_do_not_resolve_and_ports_that_do_not_listen_were_not_sent(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert (await client.refused(f"http://127.0.0.1:{port}/")).sent is False
    unresolved = await client.refused("http://does-not-exist.invalid/")
    assert (unresolved.kind, unresolved.sent) == ("name-unresolved", False)


async def test_a_name_server_that_hangs_holds_up_nobody_else() -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def lookup(host: str, port: int) -> Sequence[str]:
        if host.startswith("hang"):
            asyncio.run_coroutine_threadsafe(released.wait(), loop).result(10)
        return ["127.0.0.1"]

    http = HttpClient(Resolver(frozenset(("good.example", *(f"hang{n}.example" for n in range(10)))), lookup))
    behave, _ = answering(OK)
    async with receiver(behave) as port:

        def request(host: str, tenant_id: str) -> HttpRequest:
            target = read_target(f"http://{host}:{port}/")
            return HttpRequest("POST", target, (), b"", tenant_id=tenant_id)

        # More than one tenant's share of the threads.
        hanging = [
            asyncio.create_task(http.send(request(f"hang{n}.example", "hostile"), 0.3)) for n in range(10)
        ]
        await asyncio.sleep(0.05)
        answer = await http.send(request("good.example", "other"), 5.0)
        assert isinstance(answer, HttpResponse)
        for ended in await asyncio.gather(*hanging):
            assert isinstance(ended, NoResponse)
            assert ended.kind == "name-unresolved"
    released.set()
    await asyncio.sleep(0)
    await http.close()


# --- TLS ------------------------------------------------------------------------------------------


async def test_tls_is_verified_against_the_name_and_server_name_is_sent(tmp_path: Path) -> None:
    server_tls, trust = certificate(tmp_path, "open.example")
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    names = Names(open=[["127.0.0.1"]], other=[["127.0.0.1"]])
    trusting = ssl.create_default_context(cafile=str(trust))
    client = Client("open.example,other.example", names, trusting)
    behave, requests = answering(OK)
    async with receiver(behave, tls=server_tls) as port:
        assert (await client.ok(f"https://open.example:{port}/")).status == 200
        assert (await client.ok(f"https://open.example:{port}/")).status == 200
        wrong_name = await client.refused(f"https://other.example:{port}/")
        distrusting = Client("open.example", names)
        unknown_issuer = await distrusting.refused(f"https://open.example:{port}/")
        await distrusting.http.close()
    assert (wrong_name.kind, wrong_name.sent) == ("tls", False)
    assert (unknown_issuer.kind, unknown_issuer.sent) == ("tls", False)
    assert asked[0] == "open.example"
    assert len(requests) == 2
    await client.http.close()


async def test_a_plain_server_behind_https_is_no_connection(client: Client) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    behave, _ = answering(OK)
    async with receiver(silent) as port:
        answer = await client.refused(f"https://127.0.0.1:{port}/", 0.3)
        assert (answer.kind, answer.sent) == ("tls", False)
    async with receiver(behave) as port:
        answer = await client.refused(f"https://127.0.0.1:{port}/", 0.5)
        assert (answer.kind, answer.sent) == ("tls", False)


async def test_a_name_that_hangs_holds_up_only_those_who_want_it() -> None:
    may_end = threading.Event()
    asked: list[str] = []

    def lookup(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        if host == "hangs.example":
            may_end.wait(20)
        return ("127.0.0.1",)

    hangs, works = (read_target(f"http://{name}.example/").endpoint for name in ("hangs", "works"))
    resolver = Resolver(frozenset(("hangs.example", "works.example")), lookup)
    try:
        waiting = [asyncio.create_task(resolver.addresses("acme", hangs)) for _ in range(2 * THREADS)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        async with asyncio.timeout(5):
            assert await resolver.addresses("acme", works) == ("127.0.0.1",)
        may_end.set()
        assert set(await asyncio.gather(*waiting[1:])) == {("127.0.0.1",)}
    finally:
        may_end.set()
        resolver.close()
    assert asked == ["hangs.example", "works.example"]
