"""A small real process for the supervisor's tests: answers on a port, and notes when it is asked to stop.

Arguments: NAME PORT JOURNAL [--stubborn] [--with-child]
"""

import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Silent."""


def note(line: str) -> None:
    with Path(sys.argv[3]).open("a", encoding="utf-8") as journal:
        journal.write(line + "\n")


def main() -> None:
    name, port = sys.argv[1], int(sys.argv[2])
    server = HTTPServer(("127.0.0.1", port), Ready)
    if "--with-child" in sys.argv:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        note(f"child {child.pid}")

    def stop(_number: int, _frame: object) -> None:
        note(f"asked {name}")
        if "--stubborn" not in sys.argv:
            threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    note(f"ended {name}")


main()
