"""`make pictures`: the README's pictures, from the console over the demo's workflows."""

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.e2e.console.conftest import CHROMIUM, FLAGS

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
LINK = re.compile(r"http://\S+/signin\?token=\S+")
SETTLED_MS = 1_500


def main() -> None:
    """Starts the demo, signs in by the link it prints last, and photographs the grid and the builder."""
    with tempfile.TemporaryDirectory() as folder:
        command = (
            str(Path(sys.executable).with_name("signalbox")),
            "demo",
            "--data",
            str(Path(folder) / "data"),
        )
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert demo.stdout is not None
        try:
            told = False
            for line in demo.stdout:
                told = told or line.startswith("Look at it in the console")
                found = LINK.search(line)
                if told and found:
                    photograph(found[0])
                    break
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def photograph(link: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1200, "height": 720}, color_scheme="light")
        page.goto(link)
        page.wait_for_url("**/workflows")
        page.locator("tbody tr").first.wait_for()
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=str(PICTURES / "grid.png"))
        page.get_by_role("link", name="Welcome big web leads", exact=True).click()
        page.locator("[data-card=conditions]").click()
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=str(PICTURES / "builder.png"))
        browser.close()


if __name__ == "__main__":
    main()
