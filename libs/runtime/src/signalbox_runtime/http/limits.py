"""What is checked before a request reaches its handler: the service is ready, the body is not too large."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalbox_runtime.http.problems import Problem, unavailable
from signalbox_runtime.process.readiness import Readiness


class BodyLimit:
    """ASGI middleware: a body over `bytes_max` is answered 413 and not read further."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self._bytes_max:
            await self._refusal().response()(scope, receive, send)
            return
        taken = 0

        async def counting_receive() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._bytes_max:
                raise self._refusal()
            return message

        await self._app(scope, counting_receive, send)

    def _refusal(self) -> Problem:
        return Problem(
            413,
            "too-large",
            "The body is too large",
            f"A body may have {self._bytes_max:,} bytes. Send less at once, e.g. fewer workflows per import.",
        )


class ReadyGate:
    """ASGI middleware: while `condition` is unmet, everything under /v1 is answered 503 with the reason."""

    def __init__(self, app: ASGIApp, readiness: Readiness, condition: str) -> None:
        self._app = app
        self._readiness = readiness
        self._condition = condition

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self._readiness.reasons().get(self._condition)
        if reason is not None and scope["type"] == "http" and scope["path"].startswith("/v1/"):
            await unavailable(f"{reason} Try again shortly.").response()(scope, receive, send)
            return
        await self._app(scope, receive, send)
