"""A batch of facts, folded into the rows it comes to.

The law: any batching, any repetition and any crash point of the same facts come to the same tables. It
holds because a fact counts once by its number in its run (`Known` says what earlier batches counted), and
because the rows of one key meet by number alone.

Two different facts with one number, and a fact after its run's end, are defects: counted, and kept out.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from run_ledger.domain import attempts, facts_seen
from run_ledger.domain.event_key import event_key
from run_ledger.domain.rows import (
    AttemptRow,
    Defect,
    EventRow,
    LateRow,
    PayloadRow,
    Redaction,
    RunKey,
    RunRow,
    RunStart,
    SkippedRow,
    VerdictRow,
)
from run_ledger.domain.transitions import SeqFact, Skipped, Standing, ended, judged, later, standing_after
from signalbox_contracts.messages import (
    ActionFact,
    ActionSucceeded,
    EventJudged,
    JournalFact,
    Judgement,
    LateResult,
    RunRedacted,
    RunWaiting,
)


class Fact(NamedTuple):
    """A fact as it lies on the journal; `digest` is `facts_seen.digest` of its bytes."""

    message: JournalFact
    digest: bytes


class Known(msgspec.Struct, frozen=True):
    """What the tables hold of a run already."""

    seen: bytes
    end_seq: int | None
    """The number of the fact that ended it."""


class Folded(msgspec.Struct, frozen=True):
    """The rows of a batch, at most one of a key in each list."""

    runs: list[RunRow]
    skipped: list[SkippedRow]
    attempts: list[AttemptRow]
    payloads: list[PayloadRow]
    events: list[EventRow]
    verdicts: list[VerdictRow]
    late: list[LateRow]
    redactions: list[Redaction]
    defects: list[Defect]
    repeats: int
    """Facts that counted before."""


NOTHING_KNOWN: Mapping[RunKey, Known] = MappingProxyType({})


def fold(facts: Iterable[Fact], known: Mapping[RunKey, Known] = NOTHING_KNOWN) -> Folded:
    """The rows that `facts`, in the order met, come to. `known` is asked for runs of earlier batches."""
    folding = _Folding(known)
    for fact in facts:
        folding.add(fact)
    return folding.folded()


class _Account:
    """One run within the batch."""

    __slots__ = ("before", "counted", "end_seq", "standing", "start")

    def __init__(self, known: Known | None) -> None:
        self.before: dict[int, bytes] = {} if known is None else facts_seen.numbers(known.seen)
        self.counted: dict[int, bytes] = {}
        self.end_seq = None if known is None else known.end_seq
        self.standing: Standing | None = None
        self.start: RunStart | None = None


class _Folding:
    def __init__(self, known: Mapping[RunKey, Known]) -> None:
        self._known = known
        self._accounts: dict[RunKey, _Account] = {}
        self._attempts: dict[tuple[RunKey, int, int], AttemptRow] = {}
        self._payloads: dict[RunKey, PayloadRow] = {}
        self._events: dict[tuple[str, str], EventRow] = {}
        self._verdicts: dict[RunKey, VerdictRow] = {}
        self._late: dict[tuple[RunKey, bytes], LateRow] = {}
        self._redactions: dict[tuple[str, str, str, int], Redaction] = {}
        self._defects: dict[tuple[RunKey, int, bytes], Defect] = {}
        self._repeats = 0

    def add(self, fact: Fact) -> None:
        message = fact.message
        match message:
            case EventJudged():
                self._add_judged(message, fact.digest)
            case LateResult():
                key = RunKey(message.tenant_id, message.run_id)
                self._late[key, fact.digest] = _late_row(message, key, fact.digest)
            case RunRedacted():
                redaction = Redaction(
                    message.tenant_id,
                    message.module,
                    message.record_id,
                    message.at_ms,
                    message.requested_by,
                )
                self._redactions.setdefault(
                    (message.tenant_id, message.module, message.record_id, message.at_ms), redaction
                )
            case _:
                self._add_later(message, fact.digest)

    def folded(self) -> Folded:
        runs: list[RunRow] = []
        skipped: list[SkippedRow] = []
        for key, account in self._accounts.items():
            if account.standing is None:
                continue  # every fact of it counted before
            seen = facts_seen.seen_of({**account.before, **account.counted})
            if account.start is not None and isinstance(account.standing.state, Skipped):
                skipped.append(SkippedRow(key, account.start, account.standing, seen))
            else:
                first_seq = min(account.counted)
                runs.append(
                    RunRow(key, account.standing, account.start, first_seq, seen, bool(account.before))
                )
        return Folded(
            runs,
            skipped,
            list(self._attempts.values()),
            list(self._payloads.values()),
            list(self._events.values()),
            list(self._verdicts.values()),
            list(self._late.values()),
            list(self._redactions.values()),
            list(self._defects.values()),
            self._repeats,
        )

    def _add_judged(self, message: EventJudged, digest: bytes) -> None:
        for judgement in message.judgements:
            key = RunKey(message.tenant_id, judgement.run_id)
            account = self._counting(key, 1, digest)
            if account is None:
                continue
            account.start = _run_start(message, judgement)
            self._stand(account, judged(judgement, message.judged_at_ms))
            if judgement.verdict is not None:
                self._verdicts[key] = VerdictRow(key, judgement.verdict)
            self._add_event(judgement.run_id, message)

    def _add_event(self, run_id: str, message: EventJudged) -> None:
        place = (message.tenant_id, event_key(run_id, message.tenant_id, message.event_id))
        if place not in self._events:
            self._events[place] = EventRow(*place, message.event)

    def _add_later(self, message: SeqFact, digest: bytes) -> None:
        key = RunKey(message.tenant_id, message.run_id)
        account = self._counting(key, message.seq, digest)
        if account is None:
            return
        self._stand(account, standing_after(message))
        if isinstance(message, ActionFact):
            self._add_attempt(key, message)

    def _add_attempt(self, key: RunKey, message: ActionFact) -> None:
        row = attempts.attempt_row(key, message)
        if row is not None:
            place = (key, row.index, row.attempt)
            before = self._attempts.get(place)
            if before is None or row.seq > before.seq:
                self._attempts[place] = row
        match message:
            case ActionSucceeded(record=bytes(content)):
                self._pay(PayloadRow(key, record_seq=message.seq, record=content))
            case RunWaiting(token=bytes(content)):
                self._pay(PayloadRow(key, token_seq=message.seq, token=content))
            case _:
                pass  # nothing to keep beside the row

    def _pay(self, row: PayloadRow) -> None:
        before = self._payloads.get(row.key)
        self._payloads[row.key] = row if before is None else merged_payloads(before, row)

    def _counting(self, key: RunKey, seq: int, digest: bytes) -> _Account | None:
        """The run's account if fact `seq` is new to it, noted as counted; None for a repeat or a defect."""
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account(self._known.get(key))
        counted = account.counted.get(seq) or account.before.get(seq)
        if counted == digest:
            self._repeats += 1
            return None
        if counted is not None:
            self._defects[key, seq, digest] = Defect(key, seq, digest, "conflict")
            return None
        if account.end_seq is not None and seq > account.end_seq:
            self._defects[key, seq, digest] = Defect(key, seq, digest, "after_end")
            return None
        account.counted[seq] = digest
        return account

    @staticmethod
    def _stand(account: _Account, standing: Standing) -> None:
        before = account.standing
        account.standing = standing if before is None else later(before, standing)
        if ended(standing.state):
            account.end_seq = standing.seq


def merged_payloads(one: PayloadRow, other: PayloadRow) -> PayloadRow:
    """Both rows of one run together; each part is that of the later fact."""
    record, token = max(one, other, key=_record_seq), max(one, other, key=_token_seq)
    return PayloadRow(one.key, record.record_seq, record.record, token.token_seq, token.token)


def _record_seq(row: PayloadRow) -> int:
    return row.record_seq


def _token_seq(row: PayloadRow) -> int:
    return row.token_seq


def _run_start(message: EventJudged, judgement: Judgement) -> RunStart:
    return RunStart(
        judgement.workflow_id,
        judgement.workflow_name,
        judgement.version,
        message.module,
        message.event_name,
        message.event_id,
        message.record_id,
        message.occurred_at_ms,
        message.judged_at_ms,
        judgement.actions,
        judgement.completed,
        judgement.retry_of,
        judgement.retry_number,
        message.chain,
        message.depth,
    )


def _late_row(message: LateResult, key: RunKey, digest: bytes) -> LateRow:
    return LateRow(
        key,
        digest,
        message.at_ms,
        message.command_id,
        message.action_id,
        message.outcome,
        message.reason,
        message.why,
    )
