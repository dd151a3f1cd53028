"""The workflows of the story, as people would write them."""

from typing import Any

NAMES = (
    "Welcome big web leads",
    "Look after referrals",
    "Tell the team about high priorities",
    "Count every look at the score",
    "Follow every stage",
)
WATCHED_FIELD = "priority"
WATCHED_VALUE = "High"


def big_web_leads(receiver_url: str) -> dict[str, Any]:
    """A mail and a webhook for large or urgent leads from the web form."""
    return {
        "name": NAMES[0],
        "description": "First answer to a large lead from the web form, within a minute.",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {
            "all": [
                {"field": "source", "op": "equals", "value": "Web Form"},
                {
                    "any": [
                        {"field": "amount", "op": "greater_than", "value": 50_000},
                        {"field": "priority", "op": "equals", "value": "Urgent"},
                    ]
                },
            ]
        },
        "actions": [
            {
                "type": "send_email",
                "id": "welcome",
                "with": {
                    "to": ["{{ record.email }}"],
                    "subject": "Welcome, {{ record.name }}",
                    "text": "Dear {{ record.name }},\n\nthank you. We call you within the hour.",
                },
            },
            {
                "type": "webhook",
                "id": "tell-erp",
                "with": {
                    "method": "POST",
                    "url": receiver_url,
                    "body": {"lead": "{{ record.id }}", "amount": "{{ record.amount }}"},
                },
                "retry": {"attempts": 2, "first_backoff": "PT0.2S"},
            },
        ],
    }


def referrals(receiver_url: str) -> dict[str, Any]:
    """All seven actions, in order."""
    return {
        "name": NAMES[1],
        "description": "Everything a referral needs, done in the order a person would.",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {"field": "source", "op": "equals", "value": "Referral"},
        "actions": [
            {"type": "assign_owner", "id": "owner", "with": {"owner": "u-2"}},
            {
                "type": "create_task",
                "id": "call",
                "with": {
                    "subject": "Call {{ record.name }}",
                    "due_in": "P1D",
                    "assignee": "{{ record.owner }}",
                },
            },
            {
                "type": "change_field",
                "id": "raise",
                "with": {"field": WATCHED_FIELD, "value": WATCHED_VALUE},
            },
            {"type": "move_stage", "id": "move", "with": {"stage": "next"}},
            {
                "type": "send_notification",
                "id": "tell-owner",
                "with": {"to": ["u-2"], "message": "{{ record.name }} is yours, now {{ record.stage }}"},
            },
            {
                "type": "send_email",
                "id": "thank",
                "with": {
                    "to": ["{{ record.email }}"],
                    "subject": "Thank you, {{ record.name }}",
                    "text": "{{ owner.name }} looks after you.",
                },
            },
            {
                "type": "webhook",
                "id": "tell-erp",
                "with": {
                    "method": "POST",
                    "url": receiver_url,
                    "body": {"lead": "{{ record.id }}", "stage": "{{ record.stage }}"},
                },
            },
        ],
    }


def watch_priority() -> dict[str, Any]:
    """Hears what the workflow above changes."""
    return {
        "name": NAMES[2],
        "trigger": {"module": "leads", "event": "updated", "fields": [WATCHED_FIELD]},
        "conditions": {"field": WATCHED_FIELD, "op": "changed_to", "value": WATCHED_VALUE},
        "actions": [
            {
                "type": "send_notification",
                "id": "tell-team",
                "with": {"to": ["u-3"], "message": "{{ record.name }} has high priority"},
            }
        ],
    }


def restless() -> dict[str, Any]:
    """Changes the very field that triggers it: without a guard it would never end."""
    return {
        "name": NAMES[3],
        "trigger": {"module": "leads", "event": "updated", "fields": ["score"]},
        "actions": [
            {
                "type": "change_field",
                "id": "count",
                "with": {"field": "score", "value": "{{ record.score | plus: 1 }}"},
            }
        ],
    }


def stage_watch() -> dict[str, Any]:
    """Any change of stage; a deal that is won is one."""
    return {
        "name": NAMES[4],
        "trigger": {"module": "opportunities", "event": "stage_changed"},
        "actions": [
            {
                "type": "send_notification",
                "id": "tell",
                "with": {"to": ["u-1"], "message": "{{ record.name }} is now {{ record.stage }}"},
            }
        ],
    }
