"""Every page in both themes: axe finds nothing (WCAG 2.2 AA), it fits 360 px, budgets are kept."""

import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.console.conftest import PICTURES, OpenPage
from tests.e2e.console.test_stories import create_lead, mail_workflow, new_name
from tests.e2e.system import System

ROOT = Path(__file__).parents[3]
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
DIST = ROOT / "console" / "dist"
SCRIPT_FIRST_VIEW_KB = 180
BUILDER_KB = 90
RUNS_KB = 20
RUN_KB = 75
CSS_KB = 15
MANY_RUNS = 100_000


@pytest.fixture(scope="module")
def shown(system: System) -> dict[str, str]:
    """A workflow with a run that succeeded and one that was skipped."""
    name = new_name("Shown")
    workflow = system.create_workflow(mail_workflow(name, name))
    lead = create_lead(system, "Ada", name)
    create_lead(system, "Eve", "another company")
    run = system.the_run(workflow, lead, "success")
    return {"workflow": workflow, "run": run["id"], "lead": lead}


def pages(shown: dict[str, str]) -> dict[str, str]:
    workflow = f"/workflows/{shown['workflow']}"
    return {
        "grid": "/workflows",
        "new": "/workflows/new",
        "builder": workflow,
        "trigger": f"{workflow}?step=trigger",
        "conditions": f"{workflow}?step=conditions",
        "step": f"{workflow}?step=mail",
        "test": f"{workflow}?test=true",
        "workflow-runs": f"{workflow}/runs",
        "versions": f"{workflow}/versions",
        "compare": f"{workflow}/compare",
        "backtests": f"{workflow}/backtests",
        "runs": "/runs",
        "skipped": "/runs?status=%5B%22skipped%22%5D",
        "run": f"/runs/{shown['run']}",
        "record": f"/records/leads/{shown['lead']}",
        "health": "/health",
        "templates": "/settings/templates",
        "secrets": "/settings/secrets",
        "keys": "/settings/keys",
        "audit": "/settings/audit",
        "appearance": "/settings/appearance",
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible(
    system: System, open_page: OpenPage, shown: dict[str, str], theme: str
) -> None:
    page = open_page(theme=theme, csp=False)  # axe is injected, which the policy of the page forbids
    found: dict[str, Any] = {}
    for name, path in pages(shown).items():
        page.goto(system.endpoints["console"] + path)
        expect(page.locator("h1").first).to_be_attached()
        page.wait_for_load_state("load")
        expect(page.locator("[role=status][aria-label=Loading]")).to_have_count(0)
        page.wait_for_timeout(300)
        if PICTURES is not None:
            page.screenshot(path=str(PICTURES / f"{name}-{theme}.png"))
        found |= {f"{name}: {violation['id']}": violation for violation in violations(page)}
    assert {name: [node["html"][:160] for node in each["nodes"][:3]] for name, each in found.items()} == {}


def violations(page: Page) -> list[Any]:
    page.add_script_tag(path=str(AXE))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    outcome = page.evaluate("tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", tags)
    return list(outcome["violations"])


def test_every_page_reads_at_360_px(system: System, open_page: OpenPage, shown: dict[str, str]) -> None:
    page = open_page(width=360, height=780)
    for name, path in pages(shown).items():
        page.goto(system.endpoints["console"] + path)
        expect(page.locator("h1").first).to_be_attached()
        page.wait_for_load_state("load")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{name} is {wide} px wide"
        if PICTURES is not None:
            page.wait_for_timeout(400)
            page.screenshot(path=str(PICTURES / f"{name}-360.png"))


def test_what_a_user_wrote_is_text_everywhere(system: System, open_page: OpenPage) -> None:
    name = f"<img src=x onerror=alert(1)> {uuid.uuid4().hex[:8]}"
    workflow = system.create_workflow(mail_workflow(name, name), active=False)
    page = open_page()
    page.get_by_label("Search").fill(name)
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}")
    expect(page.get_by_label("Name of the workflow")).to_have_value(name)
    assert page.locator("img[src=x]").count() == 0


def test_a_large_document_opens_and_can_be_edited(system: System, open_page: OpenPage) -> None:
    deep: dict[str, Any] = {"field": "amount", "op": "greater_than", "value": 0}
    for level in range(14):
        deep = {"all" if level % 2 else "any": [deep]}
    wide = [{"field": "score", "op": "not_equals", "value": number} for number in range(190)]
    actions = [
        {"type": "change_field", "id": f"step-{number}", "with": {"field": "score", "value": number}}
        for number in range(50)
    ]
    name = new_name("Large")
    document = {
        "name": name,
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {"all": [deep, *wide]},
        "actions": actions,
    }
    workflow = system.create_workflow(document, active=False)
    page = open_page()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}?step=step-49")
    expect(page.locator("[data-card^=step-]")).to_have_count(50)
    page.get_by_role("button", name="Move up").click()
    expect(page.locator(".save-words")).to_have_text("Saved")
    draft = system.api.get(f"/v1/workflows/{workflow}/draft").json()["draft"]
    assert [step["id"] for step in draft["actions"][-2:]] == ["step-49", "step-48"]
    assert draft["conditions"] == document["conditions"]


def test_a_hundred_thousand_runs_scroll(system: System, open_page: OpenPage, shown: dict[str, str]) -> None:
    with psycopg.connect(system.endpoints["postgres"], autocommit=True) as connection:
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'history' AND table_name = 'runs' ORDER BY ordinal_position"
            )
        ]
        # Copies of a real run under ids of the same month: version and time stay, the rest counts up.
        values = ", ".join(
            {
                "run_id": "(left(r.run_id::text, 19) || '8' || lpad(to_hex(n), 3, '0') || '-' ||"
                " lpad(to_hex(n), 12, '0'))::uuid",
                "record_id": "'many-' || n",
                "event_id": "'many-' || n",
                "started_at_ms": "r.started_at_ms - n",
            }.get(column, f"r.{column}")
            for column in columns
        )
        connection.execute(
            f"INSERT INTO history.runs ({', '.join(columns)}) SELECT {values} FROM history.runs r,"
            f" generate_series(1, {MANY_RUNS}) n WHERE r.run_id = '{shown['run']}' ON CONFLICT DO NOTHING"
        )
    page = open_page()
    page.goto(f"{system.endpoints['console']}/workflows/{shown['workflow']}/runs")
    expect(page.locator(".run-row").first).to_be_visible()
    expect(page.get_by_role("button", name="Success 10,000+")).to_be_visible()
    scroller = page.locator(".runs-list")

    def far() -> bool:
        scroller.evaluate("each => each.scrollTo(0, each.scrollHeight)")
        return bool(scroller.evaluate("each => each.scrollTop") > 44 * 1_000)

    eventually(far, "a thousand rows further down")
    assert page.locator(".run-row").count() < 80, "only what is seen is drawn"
    row = page.locator(".run-row").nth(5)
    expect(row).to_contain_text("Success")


# --- what is downloaded ----------------------------------------------------------------------------


def closure(manifest: dict[str, Any], entry: str) -> set[str]:
    """The chunks that an entry needs before it is drawn."""
    found, pending = set(), [entry]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(manifest[name].get("imports", []))
    return found


def kilobytes(manifest: dict[str, Any], names: set[str], ending: str) -> float:
    files = {file for name in names for file in (manifest[name]["file"], *manifest[name].get("css", []))}
    return (
        sum(len(gzip.compress((DIST / file).read_bytes(), 9)) for file in files if file.endswith(ending))
        / 1000
    )


def test_downloads_keep_to_their_budgets() -> None:
    manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    first = closure(manifest, "index.html") | closure(manifest, "src/features/workflows/ui/grid-page.tsx")
    assert kilobytes(manifest, first, ".js") <= SCRIPT_FIRST_VIEW_KB
    assert kilobytes(manifest, first, ".css") <= CSS_KB
    for budget, *parts in (
        (BUILDER_KB, "builder/ui/workflow-layout.tsx", "builder/ui/builder-page.tsx"),
        (RUNS_KB, "runs/ui/runs-page.tsx"),
        (RUN_KB, "runs/ui/run-page.tsx"),
    ):
        more = set().union(*(closure(manifest, f"src/features/{part}") for part in parts)) - first
        assert kilobytes(manifest, more, ".js") <= budget, parts
