"""The other side of the demo's webhooks: a small HTTP server that can go down and come back."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

BODY_MAX_BYTES = 1_048_576


class Receiver:
    """Listens on 127.0.0.1 and keeps what comes; while `down` it answers 503, as under repair."""

    def __init__(self) -> None:
        self.down = False
        self.calls: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length", "0")), BODY_MAX_BYTES)
                body = self.rfile.read(length)
                if not receiver.down:
                    receiver.calls.append({"body": json.loads(body), "key": self.headers["Idempotency-Key"]})
                self.send_response(503 if receiver.down else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """The story says what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/leads"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def calls_for(self, lead_id: str) -> list[dict[str, Any]]:
        """What came about one lead."""
        return [call for call in self.calls if call["body"].get("lead") == lead_id]
