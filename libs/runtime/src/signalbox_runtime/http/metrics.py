"""Counts requests and how long their answers take to begin; a stream's length is not the API's slowness."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalbox_runtime import metrics

REQUEST_SECONDS = metrics.histogram(
    "signalbox_http_request_seconds",
    "From a request to the beginning of its answer, by route and status",
    ("method", "route", "status"),
)
NO_ROUTE = "none"
"""For what no route matches: a path that somebody made up must not become a time series."""


class RequestMetrics:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", NO_ROUTE)
                labels = (scope["method"], route, str(message["status"]))
                REQUEST_SECONDS.labels(*labels).observe(time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, measured)
