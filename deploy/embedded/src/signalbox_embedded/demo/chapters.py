"""The chapters of the story. Each does something real, then reads back from outside what came of it."""

import uuid
from collections.abc import Callable
from typing import Any

from signalbox_embedded.demo import workflows
from signalbox_embedded.demo.outside import Outside, eventually, expect
from signalbox_embedded.demo.telling import Telling

SIX_LEADS: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"name": "Ada", "source": "Web Form", "amount": 75_000, "priority": "Normal"}, True),
    ({"name": "Bela", "source": "Web Form", "amount": 42_000, "priority": "Normal"}, False),
    ({"name": "Chidi", "source": "Web Form", "amount": 42_000, "priority": "Urgent"}, True),
    ({"name": "Dora", "source": "Event", "amount": 75_000, "priority": "Normal"}, False),
    ({"name": "Eve", "source": "Event", "amount": 42_000, "priority": "Urgent"}, False),
    ({"name": "Femi", "source": "Web Form", "amount": 50_000, "priority": "Normal"}, False),
)


class Story:
    """What the chapters share: the outside, the teller, and the workflows made so far."""

    def __init__(self, outside: Outside, telling: Telling) -> None:
        self.outside = outside
        self.telling = telling
        self.workflow_ids: dict[str, str] = {}
        self.referral_id = ""
        self._telling_id = uuid.uuid4().hex[:6]

    def clear_away(self) -> None:
        """Archives what an earlier telling left active in the same data folder."""
        for workflow in self.outside.api("GET", "/v1/workflows", limit=500)["items"]:
            if workflow["name"] in workflows.NAMES:
                self.outside.api("DELETE", f"/v1/workflows/{workflow['id']}")

    def start_workflow(self, key: str, document: dict[str, Any]) -> str:
        """Creates and activates a workflow; its id."""
        workflow = self.outside.api("POST", "/v1/workflows", document)
        self.outside.api("POST", f"/v1/workflows/{workflow['id']}/activate")
        self.workflow_ids[key] = str(workflow["id"])
        return self.workflow_ids[key]

    def enter_lead(self, lead: dict[str, Any]) -> dict[str, Any]:
        """A person enters a lead in the CRM."""
        address = f"{lead['name'].lower()}.{self._telling_id}@example.com"
        return dict(self.outside.crm("POST", "/leads", {"email": address, **lead}))


def matching_leads(story: Story) -> None:
    """Six leads come in; the two that match are answered, the others say why not."""
    outside, telling = story.outside, story.telling
    workflow = story.start_workflow("welcome", workflows.big_web_leads(outside.receiver.url))
    telling.did("activated “Welcome big web leads”: web form, and over 50,000 or urgent → mail, then webhook")
    for lead, matches in SIX_LEADS:
        entered = story.enter_lead(lead)
        run = outside.ended_run(workflow, entered["id"], "success" if matches else "skipped")
        mails, calls = outside.mails_to(entered["email"]), outside.receiver.calls_for(entered["id"])
        expect(len(mails) == matches, f"{int(matches)} mails to {entered['email']}, found {len(mails)}")
        expect(len(calls) == matches, f"{int(matches)} webhooks about {lead['name']}, found {len(calls)}")
        if matches:
            telling.saw(
                f"{lead['name']}: {run['verdict']['sentence']} → “{mails[0]['subject']}” and a webhook"
            )
        else:
            telling.saw(f"{lead['name']}: skipped, because {run['verdict']['sentence']}")


def failure_and_retry(story: Story) -> None:
    """The webhook's receiver is down; Retry finishes the run without a second mail."""
    outside, telling = story.outside, story.telling
    workflow = story.workflow_ids["welcome"]
    outside.receiver.down = True
    telling.did("took the webhook's receiver down, and entered Grace, 90,000, from the web form")
    lead = story.enter_lead({"name": "Grace", "source": "Web Form", "amount": 90_000})
    failed = outside.ended_run(workflow, lead["id"], "failed")
    telling.saw(f"the run failed: {failed['error']['detail']}")
    expect(len(outside.mails_to(lead["email"])) == 1, "the mail to have gone out before the webhook failed")

    outside.receiver.down = False
    retried = outside.api("POST", f"/v1/runs/{failed['id']}/retry", {})
    telling.did("brought the receiver back and pressed Retry")
    run = outside.ended_run(workflow, lead["id"], "success")
    expect(run["id"] == retried["id"], "the run that Retry named to be the one that succeeded")
    expect(len(outside.mails_to(lead["email"])) == 1, "no second mail")
    expect(len(outside.receiver.calls_for(lead["id"])) == 1, "one webhook about Grace")
    telling.saw("the run ended in success: the webhook was called, and no second mail was sent")


def all_seven_actions(story: Story) -> None:
    """A referral comes in; seven actions in order, each read back from where it landed."""
    outside, telling = story.outside, story.telling
    story.start_workflow("watch", workflows.watch_priority())
    workflow = story.start_workflow("referrals", workflows.referrals(outside.receiver.url))
    telling.did(
        "activated “Look after referrals”, which uses all seven actions, and entered Hedy, a referral"
    )
    lead = story.enter_lead({"name": "Hedy", "source": "Referral", "amount": 20_000, "owner": "u-1"})
    run = outside.ended_run(workflow, lead["id"], "success")
    story.referral_id = lead["id"]
    left = {action["id"]: action["attempts"][-1]["receipt"] for action in run["actions"]}
    after = outside.crm("GET", f"/leads/{lead['id']}")
    task = outside.crm("GET", f"/tasks/{left['call']['task_id']}")
    told = outside.crm("GET", "/notifications", user="u-2")["items"]
    notes = [note for note in told if note["id"] in left["tell-owner"]["notification_ids"]]
    mails, calls = outside.mails_to(lead["email"]), outside.receiver.calls_for(lead["id"])
    expect(after["owner"] == "u-2", f"the owner to be u-2, found {after['owner']}")
    expect((task["subject"], task["assignee"]) == ("Call Hedy", "u-2"), f"a task for u-2, found {task}")
    expect(after["priority"] == "High", f"the priority to be High, found {after['priority']}")
    expect(after["stage"] == "Contacted", f"the stage to be Contacted, found {after['stage']}")
    expect(len(notes) == 1 and "Contacted" in notes[0]["message"], f"one notification, found {notes}")
    expect(len(mails) == 1, f"one mail, found {len(mails)}")
    expect(len(calls) == 1 and calls[0]["body"]["stage"] == "Contacted", f"one webhook, found {calls}")
    for action, what in zip(run["actions"], _LANDED, strict=True):
        expect(action["status"] == "success", f"{action['id']} to have succeeded")
        telling.saw(f"{action['type'].replace('_', ' ')}: {what}")


_LANDED = (
    "the CRM shows u-2 as owner",
    "one task “Call Hedy” for the new owner, due tomorrow",
    "the CRM shows priority High",
    "the CRM shows stage Contacted, the one after New",
    "u-2 was told “Hedy is yours, now Contacted”",
    "the mailbox has one mail to Hedy",
    "the receiver was called once, with the stage the run had reached",
)


def a_workflow_starts_another(story: Story) -> None:
    """The change of priority started a second workflow, which knows what caused it."""
    outside, telling = story.outside, story.telling
    run = outside.ended_run(story.workflow_ids["watch"], story.referral_id, "success")
    expect(
        run["chain"] == [story.workflow_ids["referrals"]],
        f"the chain to name its cause, found {run['chain']}",
    )
    telling.saw("“Tell the team about high priorities” ran too; its chain names “Look after referrals”")


def a_loop_is_refused(story: Story) -> None:
    """A workflow that would start itself is refused the second time, and says so."""
    outside, telling = story.outside, story.telling
    workflow = story.start_workflow("restless", workflows.restless())
    lead = story.enter_lead({"name": "Ivo", "source": "Event", "score": 1})
    outside.crm("PATCH", f"/leads/{lead['id']}", {"score": 2})
    telling.did("activated a workflow that changes the field that triggers it, and changed Ivo's score to 2")
    outside.ended_run(workflow, lead["id"], "success")
    refused = outside.ended_run(workflow, lead["id"], "skipped", reason="loop")
    score = outside.crm("GET", f"/leads/{lead['id']}")["score"]
    expect(score == 3, f"the score to be 3 after one run, found {score}")
    telling.saw(f"it ran once (the score is 3); its own change was refused as a {refused['reason']}")
    outside.api("POST", f"/v1/workflows/{workflow}/pause", {})


def closed_won_is_a_stage_change(story: Story) -> None:
    """Triggers match upward: what is won has changed its stage."""
    outside, telling = story.outside, story.telling
    workflow = story.start_workflow("stages", workflows.stage_watch())
    deal = outside.crm("POST", "/opportunities", {"name": "Jade", "amount": 10_000})
    outside.crm("POST", f"/opportunities/{deal['id']}/close", {"outcome": "won"})
    run = outside.ended_run(workflow, deal["id"], "success")
    expect(run["event"] == "closed_won", f"the event to be closed_won, found {run['event']}")
    telling.saw("closing Jade as won started “Follow every stage”, which is triggered by any change of stage")


def paused_means_paused(story: Story) -> None:
    """While a workflow is paused nothing runs; a lead after activation does."""
    outside, telling = story.outside, story.telling
    workflow = story.workflow_ids["welcome"]
    outside.api("POST", f"/v1/workflows/{workflow}/pause", {})
    unseen = story.enter_lead({"name": "Kofi", "source": "Web Form", "amount": 80_000})
    outside.api("POST", f"/v1/workflows/{workflow}/activate")
    seen = story.enter_lead({"name": "Lena", "source": "Web Form", "amount": 80_000})
    outside.ended_run(workflow, seen["id"], "success")
    expect(not outside.runs(workflow, unseen["id"]), "no run for Kofi, who came while it was paused")
    expect(not outside.mails_to(unseen["email"]), "no mail to Kofi")
    telling.saw("Kofi came while the workflow was paused: nothing ran. Lena came after: she was welcomed")


RUNS_SEEN = 5
"""Ada, Chidi, Grace twice (the Retry is a run of its own) and Lena."""
SKIPPED_SEEN = 6
"""Bela, Dora, Eve and Femi; Hedy and Ivo, whom other chapters entered."""


def counted(story: Story) -> None:
    """The grid shows what was seen, from figures kept as runs end."""

    def look() -> bool:
        rows = story.outside.api("GET", "/v1/workflows")["items"]
        (row,) = [row for row in rows if row["id"] == story.workflow_ids["welcome"]]
        return (row["run_count"], row["skipped_count"]) == (RUNS_SEEN, SKIPPED_SEEN)

    what = f"{RUNS_SEEN} runs of “Welcome big web leads” (one is the Retry), and {SKIPPED_SEEN} skipped"
    eventually(look, f"the grid to count {what}")
    story.telling.saw(f"the grid counts {what}")


CHAPTERS: tuple[tuple[str, Callable[[Story], None]], ...] = (
    ("Six leads", matching_leads),
    ("A receiver goes down", failure_and_retry),
    ("All seven actions", all_seven_actions),
    ("One workflow starts another", a_workflow_starts_another),
    ("A loop is refused", a_loop_is_refused),
    ("Won is a change of stage, too", closed_won_is_a_stage_change),
    ("Paused", paused_means_paused),
    ("Counted", counted),
)
