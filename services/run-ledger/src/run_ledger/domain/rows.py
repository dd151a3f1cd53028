"""The rows of the history: what a batch of facts comes to, one value per table row.

Rows of one key meet by `seq` alone (see `transitions.later` and `AttemptRow.seq`), so a table holds the
same whatever batches its facts came in. Times are ms since 1970 UTC; `bytes` of JSON or Avro pass untouched.
"""

from typing import Literal, NamedTuple

import msgspec

from run_ledger.domain.transitions import Standing
from signalbox_contracts.messages import ActionOutline, CompletedAction


class RunKey(NamedTuple):
    """What identifies a run."""

    tenant_id: str
    run_id: str


class RunStart(msgspec.Struct, frozen=True):
    """What a run's first fact says for good."""

    workflow_id: str
    workflow_name: str
    version: int
    module: str
    event: str
    event_id: str
    record_id: str
    occurred_at_ms: int
    started_at_ms: int
    actions: tuple[ActionOutline, ...] = ()
    kept: tuple[CompletedAction, ...] = ()
    """Actions that succeeded in the run this one repeats."""
    retry_of: str | None = None
    retry_number: int = 0
    chain: tuple[str, ...] = ()
    depth: int = 0


class RunRow(msgspec.Struct, frozen=True):
    """What a batch says of one run."""

    key: RunKey
    standing: Standing
    start: RunStart | None
    """None where the first fact is in an earlier batch."""
    first_seq: int
    """The lowest number this batch counts."""
    seen: bytes
    """The facts counted, as `facts_seen` writes them."""
    whole: bool = False
    """Whether `seen` holds those of earlier batches too."""


class SkippedRow(msgspec.Struct, frozen=True):
    """A judgement that started nothing."""

    key: RunKey
    start: RunStart
    standing: Standing
    seen: bytes


class AttemptRow(msgspec.Struct, frozen=True):
    """One try of an action, as its latest fact (number `seq`) tells it."""

    key: RunKey
    index: int
    attempt: int
    seq: int
    action_id: str
    type: str
    outcome: Literal["started", "commanded", "unknown", "success", "failed"]
    started_at_ms: int
    finished_at_ms: int | None = None
    deadline_ms: int | None = None
    retry_at_ms: int | None = None
    final: bool = False
    error_type: str | None = None
    error_detail: str | None = None
    effect_key: str | None = None
    receipt: bytes | None = None
    warnings: tuple[str, ...] = ()


class PayloadRow(msgspec.Struct, frozen=True):
    """Content of a run, kept shorter than its row; each part has the number of the fact that brought it."""

    key: RunKey
    record_seq: int = 0
    record: bytes | None = None
    """JSON: the record as the run's CRM actions left it."""
    token_seq: int = 0
    token: bytes | None = None
    """ActionRequested: what a person or the ledger sends on while the run waits."""


class EventRow(msgspec.Struct, frozen=True):
    """An event's bytes, once for all its runs."""

    tenant_id: str
    event_key: str
    body: bytes


class VerdictRow(msgspec.Struct, frozen=True):
    """The verdict of one run, JSON."""

    key: RunKey
    verdict: bytes


class LateRow(msgspec.Struct, frozen=True):
    """An answer of the CRM that moved nothing."""

    key: RunKey
    digest: bytes
    at_ms: int
    command_id: str
    action_id: str
    outcome: str
    reason: str | None
    why: str


class Redaction(msgspec.Struct, frozen=True):
    """The content of one record's runs up to `at_ms` is erased."""

    tenant_id: str
    module: str
    record_id: str
    at_ms: int
    requested_by: str


class Defect(msgspec.Struct, frozen=True):
    """A fact that contradicts one counted before: another fact of the same number, or one after the end."""

    key: RunKey
    seq: int
    digest: bytes
    kind: Literal["conflict", "after_end"]
