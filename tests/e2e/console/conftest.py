"""A real Chromium on the console of the running system. An error on its console fails the test (CSP too)."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from signalbox_runtime.testing.waiting import PATIENCE_SECONDS
from tests.e2e.system import System

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",  # a sandbox of its own needs what a container does not give to root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PICTURES = Path(os.environ.get("SIGNALBOX_PICTURES", "")) if os.environ.get("SIGNALBOX_PICTURES") else None
"""Where each page's picture goes, light and dark; unset, none is made."""
EXPECTED_FAILURES = ("401", "409", "412", "422", "503", "net::ERR_")
"""Answers that a browser notes as errors and a page tells in a sentence."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None and os.environ.get("CI") != "true":  # CI must not skip them
        skip = pytest.mark.skip(reason="no Chromium: install the package chromium to run the browser tests")
        for item in items:
            if "e2e/console" in str(item.path):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(system: System, browser: Browser) -> Iterator[OpenPage]:
    """Opens a page that is signed in by a one-time link, as a role or the first key."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(each in message.text for each in EXPECTED_FAILURES):
            errors.append(message.text)

    def open_one(
        role: str | None = None,
        *,
        width: int = 1360,
        height: int = 860,
        theme: str = "light",
        csp: bool = True,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="Europe/Berlin",
            bypass_csp=not csp,
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{system.endpoints['console']}/signin?token={link(system, role)}")
        page.wait_for_url("**/workflows")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


def link(system: System, role: str | None) -> str:
    """The token of a one-time link for a key of that role."""
    headers = {}
    if role is not None:
        made = system.api.post("/v1/api-keys", json={"name": f"{role} in a test", "role": role})
        headers = {"Authorization": f"Bearer {made.json()['key']}"}
    answer = httpx.post(
        f"{system.endpoints['api']}/v1/sign-in-links",
        headers=headers or dict(system.api.headers),
        timeout=PATIENCE_SECONDS,
    )
    return str(answer.json()["token"])
