"""The end of a run that no message takes any more: its event, record, receipts and actions travel with it."""

from collections.abc import Sequence

from signalbox_contracts import topics
from signalbox_contracts.messages import ActionFact, RunFact, RunFailed


def outgrown(
    facts: Sequence[RunFact], now_ms: int, topic: str, size_bytes: int, limit_bytes: int
) -> tuple[RunFact, ...]:
    """What is written instead of `facts` and the token, one of which is too large for `topic`.

    What happened is kept unless it is the fact itself that is too large.
    """
    first = facts[0]
    kept = () if topic == topics.RUNS_JOURNAL else tuple(facts)
    failed = RunFailed(
        tenant_id=first.tenant_id,
        run_id=first.run_id,
        seq=kept[-1].seq + 1 if kept else first.seq,
        at_ms=now_ms,
        action_id=next((fact.action_id for fact in facts if isinstance(fact, ActionFact)), None),
        error_type="run-too-large",
        error_detail=(
            f"The run has {size_bytes:,} bytes with its event, record and receipts; {topic} takes "
            f"{limit_bytes:,}. Let the workflow do less, or the CRM publish smaller records."
        ),
    )
    return (*kept, failed)
