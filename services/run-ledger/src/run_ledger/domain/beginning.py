"""A folded batch in two: what belongs to runs that begin in it, and what follows on earlier batches.

Rows of a run that begins can be put into the tables as they are, unless the run is there already; rows of the
others have to meet what is there.
"""

from typing import NamedTuple

from run_ledger.domain.fold import Folded


class Parted(NamedTuple):
    """Both parts; together they are the batch."""

    beginning: Folded
    following: Folded


def parted(folded: Folded) -> Parted:
    """By whether the run's first fact is in the batch. Late answers, erasures and defects follow on."""
    begun = {row.key for row in folded.runs if row.start is not None}
    return Parted(
        Folded(
            [row for row in folded.runs if row.start is not None],
            folded.skipped,
            [row for row in folded.attempts if row.key in begun],
            [row for row in folded.payloads if row.key in begun],
            folded.events,
            folded.verdicts,
            [],
            [],
            [],
            0,
        ),
        Folded(
            [row for row in folded.runs if row.start is None],
            [],
            [row for row in folded.attempts if row.key not in begun],
            [row for row in folded.payloads if row.key not in begun],
            [],
            [],
            folded.late,
            folded.redactions,
            folded.defects,
            folded.repeats,
        ),
    )
