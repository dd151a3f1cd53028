"""What a tenant's active workflows do to each other: loops, and fields that two of them set differently.

Everything is judged from the documents alone: a thing can happen if the documents do not rule it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signalbox_rules.conflicts import Conflict, conflicts_among
from signalbox_rules.consequences import AnalysedWorkflow
from signalbox_rules.loops import Loop, loops_among


@dataclass(frozen=True, slots=True)
class Analysis:
    """Loops and conflicts; `complete` is false if there were more than are reported or compared."""

    loops: tuple[Loop, ...]
    conflicts: tuple[Conflict, ...]
    complete: bool = True


def analyse(workflows: Sequence[AnalysedWorkflow], about: str | None = None) -> Analysis:
    """Loops and conflicting writes among a tenant's active workflows; with `about`, only that one's."""
    ordered = sorted(workflows, key=lambda workflow: workflow.workflow_id)
    loops, all_loops = loops_among(ordered, about)
    conflicts, all_conflicts = conflicts_among(ordered, about)
    return Analysis(tuple(loops), tuple(conflicts), all_loops and all_conflicts)
