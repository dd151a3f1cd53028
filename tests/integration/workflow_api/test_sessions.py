"""A cookie instead of a key: who signs in, what a foreign page can't do with it, and when it ends."""

from pathlib import Path

import httpx
import pytest

from signalbox_runtime.http.sessions import COOKIE
from workflow_api.adapters.console_files import ConsoleFiles

from .conftest import Api

SAME = {"Sec-Fetch-Site": "same-origin"}
FOREIGN = {"Sec-Fetch-Site": "cross-site"}


def browser(api: Api) -> httpx.Client:
    return httpx.Client(base_url=api.url)


def key_of(api: Api, role: str) -> str:
    return api.add_key("demo", role)


def test_a_key_becomes_a_cookie_that_no_script_reads(api: Api) -> None:
    with browser(api) as page:
        signed = page.post("/v1/session", json={"key": key_of(api, "editor")}, headers=SAME)
        assert signed.status_code == 201, signed.text
        assert (signed.json()["role"], signed.json()["tenant_id"]) == ("editor", "demo")
        cookie = signed.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert page.get("/v1/session").json()["role"] == "editor"
        assert page.get("/v1/workflows").status_code == 200


def test_a_foreign_page_changes_nothing_with_it(api: Api) -> None:
    with browser(api) as page:
        page.post("/v1/session", json={"key": key_of(api, "editor")}, headers=SAME)
        for headers in (FOREIGN, {}, {"Origin": "https://evil.example"}):
            refused = page.post("/v1/workflows", json={"name": "Forged"}, headers=headers)
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/foreign-origin")
        assert page.post("/v1/workflows", json={"name": "Own"}, headers=SAME).status_code == 201
        host = api.url.removeprefix("http://")
        own = page.post("/v1/workflows", json={"name": "Own"}, headers={"Origin": f"http://{host}"})
        assert own.status_code == 201
        assert page.post("/v1/session", json={"key": "x"}, headers=FOREIGN).status_code == 403


def test_a_link_signs_in_once(api: Api) -> None:
    with api.client(key_of(api, "operator")) as client:
        token = client.post("/v1/sign-in-links").json()["token"]
    with browser(api) as page:
        assert page.post("/v1/session", json={"token": token}, headers=SAME).json()["role"] == "operator"
    with browser(api) as other:
        assert other.post("/v1/session", json={"token": token}, headers=SAME).status_code == 401


def test_signing_out_ends_the_session(api: Api) -> None:
    with browser(api) as page:
        page.post("/v1/session", json={"key": key_of(api, "viewer")}, headers=SAME)
        token = page.cookies[COOKIE]
        assert page.delete("/v1/session", headers=SAME).status_code == 204
        stolen = httpx.get(f"{api.url}/v1/session", cookies={COOKIE: token})
        assert stolen.status_code == 401


def test_wrong_keys_are_refused_and_slowed_down(api: Api) -> None:
    with browser(api) as page:
        answers = [
            page.post("/v1/session", json={"key": f"sbx_wrong{number}"}, headers=SAME).status_code
            for number in range(12)
        ]
    assert set(answers) == {401, 429}


@pytest.fixture
def console(tmp_path: Path) -> ConsoleFiles:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<meta nonce="__NONCE__"><script nonce="__NONCE__"></script>')
    (tmp_path / "assets" / "app-1.js").write_text("plain")
    (tmp_path / "assets" / "app-1.js.br").write_bytes(b"brotli")
    return ConsoleFiles(tmp_path)


def ask(console: ConsoleFiles, path: str, method: str = "GET", **headers: str) -> object:
    from starlette.requests import Request

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    return console.answer(Request(scope))


def test_a_page_has_a_nonce_of_its_own(console: ConsoleFiles) -> None:
    pages = [ask(console, path, accept="text/html") for path in ("/", "/workflows/wf-1")]
    bodies = {bytes(page.body) for page in pages}  # type: ignore[attr-defined]
    assert len(bodies) == 2
    for page in pages:
        nonce = bytes(page.body).split(b'"')[1].decode()  # type: ignore[attr-defined]
        policy = page.headers["content-security-policy"]  # type: ignore[attr-defined]
        assert f"'nonce-{nonce}'" in policy
        assert "unsafe-inline" not in policy
        assert page.headers["cache-control"] == "no-store"  # type: ignore[attr-defined]


def test_assets_are_sent_as_they_were_built_and_nothing_else_is(console: ConsoleFiles) -> None:
    packed = ask(console, "/assets/app-1.js", accept_encoding="gzip, br;q=1.0")
    assert packed.headers["content-encoding"] == "br"  # type: ignore[attr-defined]
    assert "immutable" in packed.headers["cache-control"]  # type: ignore[attr-defined]
    plain = ask(console, "/assets/app-1.js")
    assert "content-encoding" not in plain.headers  # type: ignore[attr-defined]
    for path in ("/assets/../index.html", "/assets/none.js", "/v1/nothing", "/etc/passwd"):
        assert ask(console, path) is None
    assert ask(console, "/v1/nothing", accept="text/html") is None
    assert ask(console, "/workflows", method="POST", accept="text/html") is None
