"""Passes run-ledger's routes on to it, answer streamed as it comes, so that there is one base URL."""

from collections.abc import AsyncIterator
from typing import Final

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from signalbox_runtime.http.problems import Problem, unavailable

CONNECT_SECONDS: Final = 5.0
CONNECTIONS_MAX: Final = 500
"""Event streams hold one each for as long as a console is open."""
_OF_ONE_CONNECTION: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"}
)
_NOT_ANSWERED: Final = _OF_ONE_CONNECTION | {"date", "server"}
"""The server that answers writes its own."""


class LedgerProxy:
    """A client of run-ledger; `url` is empty where an ingress does the routing."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            transport=transport,
            base_url=url,
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=20),
            trust_env=False,
        )
        self._configured = bool(url)

    async def forward(self, request: Request, path: bytes | None = None) -> Response:
        """The ledger's answer to the same request, or to one for `path`. Raises a 503 or 502 problem."""
        if not self._configured:
            raise unavailable("This instance does not know the ledger: set WORKFLOW_API_LEDGER_URL.")
        query = request.scope["query_string"]
        # As it came: written anew, an encoded ? or / of a record's id would end the path or begin another.
        raw_path = (path or request.scope["raw_path"]) + (b"?" + query if query else b"")
        target = self._client.base_url.copy_with(raw_path=raw_path)
        headers = [
            (name, value.strip())  # a client may send blanks at the end, which httpx refuses to pass on
            for name, value in request.headers.raw
            if name.decode() not in _OF_ONE_CONNECTION
        ]
        body = await request.body()
        outgoing = self._client.build_request(request.method, target, headers=headers, content=body or None)
        try:
            answer = await self._client.send(outgoing, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise unavailable("run-ledger does not answer. Try again shortly.") from error
        except httpx.HTTPError as error:
            raise Problem(
                502, "bad-gateway", "run-ledger broke off", f"{type(error).__name__}. Try again shortly."
            ) from error
        passed_on = {
            name: value for name, value in answer.headers.items() if name.lower() not in _NOT_ANSWERED
        }
        return StreamingResponse(
            _chunks(answer), answer.status_code, passed_on, background=BackgroundTask(answer.aclose)
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it arrives, compressed as it was; the connection is freed when the reader goes away."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
