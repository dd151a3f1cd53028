"""What people do with the console, seen from both sides: in the browser, and in what the system did."""

import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.console.conftest import OpenPage
from tests.e2e.system import Receiver, System


def new_name(what: str) -> str:
    return f"{what} {uuid.uuid4().hex[:8]}"


def mail_workflow(name: str, campaign: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {"all": [{"field": "company", "op": "equals", "value": campaign}]},
        "actions": [
            {
                "type": "send_email",
                "id": "mail",
                "with": {
                    "to": ["{{ record.email }}"],
                    "subject": f"{name} {{{{ record.name }}}}",
                    "text": "Hi",
                },
            },
            *more,
        ],
    }


def create_lead(system: System, name: str, company: str) -> str:
    made = system.crm.post(
        "/leads",
        json={
            "name": name,
            "email": "ada@example.com",
            "company": company,
            "source": "Web Form",
            "amount": 60000,
        },
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def saved(page: Page) -> None:
    expect(page.locator(".save-words")).to_have_text("Saved")


def test_a_workflow_is_built_tested_and_activated_with_the_mouse_and_its_run_appears(
    system: System, open_page: OpenPage
) -> None:
    page, name = open_page(), new_name("Built by mouse")
    page.get_by_role("link", name="New workflow").click()
    page.get_by_role("button", name="Start from nothing").click()
    page.get_by_label("Name of the workflow").fill(name)
    page.locator('[data-card="trigger"]').click()
    page.get_by_label("Module").select_option("leads")
    page.get_by_label("What happens").select_option("created")
    page.locator('[data-card="conditions"]').click()
    page.get_by_role("button", name="Add conditions").click()
    page.get_by_label("Field", exact=True).select_option("company")
    page.get_by_label("Value", exact=True).first.fill(name)
    page.get_by_role("button", name="Add a step before the first").click()
    page.get_by_role("menuitem", name="Send email").click()
    expect(page.get_by_role("button", name="1 · Send email")).to_be_visible()
    page.get_by_role("button", name="Subject:").click()
    page.get_by_label("Subject", exact=True).fill(name + " for {{ record.name }}")
    saved(page)

    # What was built is tried before it is live: nothing is sent.
    create_lead(system, "Grace", name)
    page.get_by_role("button", name="Test", exact=True).click()
    page.locator(".record-list").get_by_role("button", name="Grace").first.click()
    expect(page.get_by_text("It would run", exact=True)).to_be_visible()
    expect(page.locator(".mail")).to_contain_text(f"{name} for Grace")
    assert not [each for each in system.messages() if name in each["subject"]]

    page.get_by_role("button", name="Publish and activate").click()
    page.get_by_role("button", name="Publish version 1 and activate").click()
    expect(page.get_by_role("switch", name=f"Active: {name}")).to_be_visible()
    page.get_by_role("navigation", name="Workflow").get_by_role("link", name="Runs").click()
    lead = create_lead(system, "Ada", name)
    expect(page.locator(".run-row", has_text="Ada")).to_contain_text("Success")  # without a reload
    (mail,) = [each for each in system.messages() if each["subject"] == f"{name} for Ada"]
    assert mail["to"] == ["ada@example.com"]
    assert [run["record_title"] for run in system.runs(record_id=lead)] == ["Ada"]


def test_a_workflow_is_built_with_the_keyboard_alone(system: System, open_page: OpenPage) -> None:
    page, name = open_page(), new_name("Built by keys")
    workflow = system.create_workflow(mail_workflow(name, name), active=False)
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}")
    page.locator('[data-card="trigger"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-card="mail"]')).to_be_focused()
    page.keyboard.press("a")
    page.keyboard.type("call")
    page.keyboard.press("Enter")
    added = page.get_by_role("button", name="2 · Call webhook")
    expect(added).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("button", name="1 · Call webhook")).to_be_focused()
    saved(page)
    draft = system.api.get(f"/v1/workflows/{workflow}/draft").json()["draft"]
    assert [(step["type"], step["id"]) for step in draft["actions"]] == [
        ("webhook", "webhook-1"),
        ("send_email", "mail"),
    ]
    page.keyboard.press("Delete")
    expect(page.get_by_role("button", name="1 · Send email")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="1 · Call webhook")).to_be_visible()
    saved(page)


def test_a_failed_run_is_mended_and_retried(system: System, receiver: Receiver, open_page: OpenPage) -> None:
    name = new_name("Breaks")
    hook = {
        "type": "webhook",
        "id": "hook",
        "with": {"method": "POST", "url": f"{receiver.url}/leads", "body": {"lead": "{{ record.id }}"}},
        "retry": {"attempts": 1},
    }
    workflow = system.create_workflow(mail_workflow(name, name, hook))
    receiver.status = 500
    page = open_page("operator", width=360, height=780)
    create_lead(system, "Ada", name)
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}/runs")
    page.locator(".run-row", has_text="Failed").get_by_role("link").click()
    expect(page.locator("header").get_by_text("answered 500")).to_be_visible()
    expect(page.locator(".step-card", has_text="Call webhook")).to_contain_text("Failed")
    receiver.status = 200
    page.get_by_role("button", name="Retry…").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("not repeated")
    sheet.get_by_role("button", name="Retry: runs 1 action").click()
    expect(page.locator("header").get_by_text("Success")).to_be_visible()
    expect(page.locator(".step-card", has_text="Send email")).to_contain_text("Kept")
    assert len(receiver.received) == 2
    assert len([each for each in system.messages() if each["subject"].startswith(name)]) == 1


def test_an_active_workflow_is_edited_compared_and_restored(system: System, open_page: OpenPage) -> None:
    name = new_name("Edited")
    workflow = system.create_workflow(mail_workflow(name, name))
    page = open_page()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}?step=mail")
    page.get_by_role("button", name="Subject:").click()
    page.get_by_label("Subject", exact=True).fill("Changed")
    saved(page)
    expect(page.get_by_text("Version 1 stays live until you publish")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("dialog")).to_contain_text("Changed")
    page.get_by_role("dialog").get_by_role("button", name="Publish version 2").click()
    expect(page.locator(".workflow-head")).to_contain_text("v2")
    page.get_by_role("navigation", name="Workflow").get_by_role("link", name="Versions").click()
    row = page.get_by_role("row", name="1 ", exact=False).filter(
        has=page.get_by_role("button", name="Restore")
    )
    row.last.get_by_role("button", name="Restore to draft").click()
    expect(page.get_by_text("Version 1 is in the draft")).to_be_visible()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}/compare?a=2")
    expect(page.locator(".compare-card.changed").last).to_contain_text("subject")
    live = system.api.get(f"/v1/workflows/{workflow}").json()
    assert (live["version"], live["definition"]["actions"][0]["with"]["subject"]) == (2, "Changed")
    assert live["draft"]["actions"][0]["with"]["subject"].startswith(name)


def test_two_editors_are_merged_and_what_clashes_is_asked(system: System, open_page: OpenPage) -> None:
    name = new_name("Two editors")
    workflow = system.create_workflow(mail_workflow(name, name), active=False)
    url = f"{system.endpoints['console']}/workflows/{workflow}?step=mail"
    one, two = open_page(), open_page()
    for page in (one, two):
        page.goto(url)
        page.get_by_role("button", name="Subject:").wait_for()
    one.get_by_role("button", name="Subject:").click()
    one.get_by_label("Subject", exact=True).fill("By one")
    saved(one)
    two.get_by_role("button", name="Message:").click()
    two.get_by_label("Message", exact=True).fill("By two")

    def both() -> bool:
        mail = system.api.get(f"/v1/workflows/{workflow}/draft").json()["draft"]["actions"][0]["with"]
        return bool(mail["subject"] == "By one" and mail["text"] == "By two")

    eventually(both, "both changes in the draft")
    one.get_by_label("Subject", exact=True).fill("Once more by one")
    two.get_by_role("button", name="Subject:").click()
    two.get_by_label("Subject", exact=True).fill("Otherwise by two")
    clashing = eventually(
        lambda: next(
            (page for page in (one, two) if page.get_by_role("button", name="Keep mine").is_visible()), None
        ),
        "one of them to be asked",
    )
    clashing.get_by_role("button", name="Take theirs").click()
    saved(clashing)


def test_what_is_typed_while_the_api_is_away_is_kept(system: System, open_page: OpenPage) -> None:
    name = new_name("Offline")
    workflow = system.create_workflow(mail_workflow(name, name), active=False)
    page = open_page()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}")
    page.get_by_label("Name of the workflow").wait_for()
    page.context.set_offline(True)
    page.get_by_label("Name of the workflow").fill(f"{name} offline")
    expect(page.locator(".save-words")).to_have_text("Not saved, kept here")
    page.context.set_offline(False)
    saved(page)
    assert system.api.get(f"/v1/workflows/{workflow}").json()["name"] == f"{name} offline"
    page.reload()
    expect(page.get_by_label("Name of the workflow")).to_have_value(f"{name} offline")


def test_an_action_of_the_future_survives_every_save(system: System, open_page: OpenPage) -> None:
    name = new_name("Future")
    workflow = system.create_workflow(mail_workflow(name, name), active=False)
    strange = {"type": "send_pigeon", "id": "pigeon", "with": {"to": ["roof"]}, "speed": {"fast": True}}
    draft = system.api.get(f"/v1/workflows/{workflow}/draft").json()["draft"]
    kept = {**draft, "actions": [*draft["actions"], strange], "invented": [1, {"a": None}]}
    answer = system.api.put(f"/v1/workflows/{workflow}/draft", json=kept, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    assert [each["severity"] for each in answer.json()["problems"]].count("error") >= 1
    page = open_page()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}")
    page.get_by_label("Name of the workflow").fill(f"{name} renamed")
    saved(page)
    page.locator('[data-card="pigeon"]').click()
    expect(page.get_by_text("This kind of step is not known here")).to_be_visible()
    after = system.api.get(f"/v1/workflows/{workflow}/draft").json()["draft"]
    assert after == {**kept, "name": f"{name} renamed"}


def test_a_viewer_sees_everything_and_may_change_nothing(system: System, open_page: OpenPage) -> None:
    name = new_name("Viewed")
    workflow = system.create_workflow(mail_workflow(name, name))
    page = open_page("viewer")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="New workflow")).to_have_count(0)
    expect(page.get_by_role("switch", name=f"Active: {name}")).to_be_disabled()
    page.goto(f"{system.endpoints['console']}/workflows/{workflow}?step=mail")
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    expect(page.locator(".add-button")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_switch_in_the_grid_pauses_and_activates(system: System, open_page: OpenPage, theme: str) -> None:
    name = new_name("Switched")
    workflow = system.create_workflow(mail_workflow(name, name))
    page = open_page(theme=theme)
    page.get_by_label("Search").fill(name)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("switch", name=f"Active: {name}").click()
    expect(page.get_by_role("switch", name=f"Paused: {name}")).to_be_visible()
    eventually(lambda: system.api.get(f"/v1/workflows/{workflow}").json()["status"] == "paused", "the pause")
    page.get_by_role("switch", name=f"Paused: {name}").click()
    expect(page.get_by_role("switch", name=f"Active: {name}")).to_be_visible()
