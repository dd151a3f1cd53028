"""The built console, served beside the API: its page with a fresh nonce, its assets as they were built.

The page may run only its own scripts and styles (`POLICY`). Assets carry a hash in their names, so browsers
keep them for good; the build compresses them beforehand.
"""

import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

NONCE_MARK: Final = "__NONCE__"
NONCE_BYTES: Final = 18
OF_THE_API: Final = ("/v1/", "/openapi", "/healthz", "/readyz", "/metrics")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; frame-ancestors 'none';"
    " base-uri 'none'; form-action 'self'"
)
SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""What an asset may be compressed with, the best first."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the build, and its compressed forms by encoding."""

    path: Path
    compressed: Mapping[str, Path]


class ConsoleFiles:
    """What was built into a folder; nothing else on the disk can be asked for."""

    def __init__(self, folder: Path) -> None:
        self._page = (folder / "index.html").read_text(encoding="utf-8")
        files = {
            f"/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()
        }
        endings = tuple(ending for _, ending in ENCODINGS)
        self._assets = {
            name: Asset(
                path,
                {encoding: files[name + ending] for encoding, ending in ENCODINGS if name + ending in files},
            )
            for name, path in files.items()
            if not name.endswith((*endings, "/index.html"))
        }

    def answer(self, request: Request) -> Response | None:
        """A file, or the page for whatever a browser asks for by its address; None for what is not ours."""
        path = request.url.path
        if request.method not in ("GET", "HEAD") or path.startswith(OF_THE_API):
            return None
        asset = self._assets.get(path)
        if asset is not None:
            return _file(asset, path, request.headers.get("accept-encoding", ""))
        if "text/html" not in request.headers.get("accept", ""):
            return None
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        headers = {
            **SAFE_HEADERS,
            "Content-Security-Policy": POLICY.format(nonce=nonce),
            "Cache-Control": "no-store",
        }
        return HTMLResponse(self._page.replace(NONCE_MARK, nonce), headers=headers)


def _file(asset: Asset, name: str, accepted: str) -> Response:
    lasting = name.startswith("/assets/")
    headers = {
        **SAFE_HEADERS,
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        "Vary": "Accept-Encoding",
    }
    wanted = {part.partition(";")[0].strip() for part in accepted.split(",")}
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    for encoding, path in asset.compressed.items():
        if encoding in wanted:
            return FileResponse(
                path, headers={**headers, "Content-Encoding": encoding}, media_type=media_type
            )
    return FileResponse(asset.path, headers=headers, media_type=media_type)


class ConsoleBeside:
    """What answers where the API has no such path: the console, then whoever answered before."""

    def __init__(self, files: ConsoleFiles, otherwise: ASGIApp) -> None:
        self._files = files
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._files.answer(Request(scope)) if scope["type"] == "http" else None
        await (found or self._otherwise)(scope, receive, send)
