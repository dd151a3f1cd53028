"""A batch on its way into the database: everything that can be done without it."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

from run_ledger.adapters.projection import incoming
from run_ledger.adapters.projection.copy_format import CopyFormat
from run_ledger.domain import facts_seen
from run_ledger.domain.beginning import parted
from run_ledger.domain.fold import Fact, Folded, fold
from signalbox_contracts.messages import JournalFact
from signalbox_runtime.loops import internal
from signalbox_runtime.records import Inbound, TopicPartition

NEVER_MS: Final = 2**62


class Prepared(NamedTuple):
    """What `ProjectionStore.store` keeps."""

    facts: Sequence[Fact]
    folded: Folded
    offsets: Mapping[TopicPartition, int]
    """The next offset of each partition that the batch is of."""
    beginning: incoming.Bytes
    """Rows of runs whose first fact is in the batch, for the history's tables."""
    following: incoming.Bytes
    """The other rows, for the temporary tables."""
    follows: Folded
    """The same other rows."""
    first_start_ms: int
    """When the first of the runs that begin was judged."""


def prepared(facts: Sequence[Fact], offsets: Mapping[TopicPartition, int]) -> Prepared:
    """The batch folded and packed."""
    folded = fold(facts)
    beginning, following = parted(folded)
    copy_format = CopyFormat()
    starts = [row.start.started_at_ms for row in beginning.runs if row.start is not None]
    starts += [row.start.started_at_ms for row in folded.skipped]
    return Prepared(
        facts,
        folded,
        offsets,
        incoming.of(incoming.STRAIGHT, beginning, copy_format),
        incoming.of(incoming.MEETING, following, copy_format),
        following,
        min(starts, default=NEVER_MS),
    )


def read_fact(inbound: Inbound) -> Fact:
    """The fact of one record of the journal. Raises UndecodableInternalMessage."""
    message = cast("JournalFact", internal.read_any(inbound))
    return Fact(message, facts_seen.digest(inbound.value or b""))
