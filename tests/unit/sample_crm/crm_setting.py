"""A directory, a time and ids for tests of the domain."""

import itertools
from datetime import UTC, datetime
from typing import Any

import msgspec

from sample_crm.domain.actions import Setting
from sample_crm.domain.directory import Directory, User
from sample_crm.domain.modules import MODULES_BY_NAME
from sample_crm.domain.records import Record, create
from signalbox_contracts.messages import CrmCommand

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
DIRECTORY = Directory(
    users={
        f"u-{number}": User(f"u-{number}", f"User {number}", f"u{number}@crm.example") for number in (1, 2, 3)
    },
    pipelines={name: module.stages for name, module in MODULES_BY_NAME.items() if module.stages},
)


def setting() -> Setting:
    numbers = itertools.count(1)
    return Setting(DIRECTORY, LATER, lambda prefix: f"{prefix}-{next(numbers)}")


def record(module: str, **fields: Any) -> Record:
    """A record as created at NOW."""
    special: dict[str, dict[str, Any]] = {"tasks": {"subject": "Call"}, "invoices": {"amount": 100}}
    needed = special.get(module, {"name": "Ada"})
    return create(MODULES_BY_NAME[module], f"{module}-1", needed | fields, DIRECTORY, NOW).after


def command(kind: str, parameters: Any, **changes: Any) -> CrmCommand:
    fields = {
        "command_id": "c-1",
        "tenant_id": "demo",
        "module": "leads",
        "record_id": "leads-1",
        "type": kind,
        "parameters": parameters if isinstance(parameters, bytes) else msgspec.json.encode(parameters),
        "workflow_id": "wf-1",
        "run_id": "run-1",
        "event_id": "evt-1",
        "chain": ("wf-0",),
        "depth": 1,
        "issued_at_ms": 1,
        "deadline_ms": 2,
        "reply_context": b"context",
    }
    return CrmCommand(**{**fields, **changes})
