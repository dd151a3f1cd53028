"""/healthz, /readyz and /metrics of a process, on a port and a thread of their own."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.metrics import UNMET_CONDITIONS
from signalbox_runtime.process.readiness import Readiness

_JSON = "application/json"


class HealthServer:
    """Serves from `start` to `stop`. `port` is the real one, also where a free one was asked for."""

    def __init__(self, host: str, port: int, readiness: Readiness) -> None:
        handler = type("Handler", (_Handler,), {"readiness": readiness})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise ServiceRefused(
                f"Metrics and health can't listen on {host}:{port}: {error.strerror}. "
                "Set another METRICS_PORT, or 0 for a free one."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="health", daemon=True
        )

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more and frees the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class _Handler(BaseHTTPRequestHandler):
    readiness: ClassVar[Readiness]
    timeout = 10

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/healthz":
                self._answer(HTTPStatus.OK, _JSON, b'{"alive":true}')
            case "/readyz":
                reasons = self.readiness.reasons()
                status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
                body = {"ready": not reasons, "reasons": reasons}
                self._answer(status, _JSON, msgspec.json.encode(body))
            case "/metrics":
                UNMET_CONDITIONS.clear()
                for condition in self.readiness.reasons():
                    UNMET_CONDITIONS.labels(condition).set(1)
                self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, _JSON, b'{"paths":["/healthz","/readyz","/metrics"]}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class's word
        """Probes come every second; they are not logged."""

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
