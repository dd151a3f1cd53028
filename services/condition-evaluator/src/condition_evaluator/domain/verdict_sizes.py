"""Verdicts of one event share one message: many large trees must not make it larger than its topic takes."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from signalbox_contracts.messages import Judgement

VERDICTS_MAX_BYTES: Final = 2_097_152
"""Half of what the journal takes; the event beside them may have a quarter."""
LEFT_OUT: Final = " (The comparisons are left out: this event's verdicts are too large together.)"


def with_verdicts_that_fit(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """The judgements of one event; the largest verdicts lose their tree until all fit."""
    excess = sum(len(judgement.verdict or b"") for judgement in judgements) - VERDICTS_MAX_BYTES
    if excess <= 0:
        return tuple(judgements)
    fitting = list(judgements)
    by_size = sorted(range(len(fitting)), key=lambda index: -len(fitting[index].verdict or b""))
    for index in by_size:
        verdict = fitting[index].verdict
        if excess <= 0 or verdict is None:
            break
        without_tree = _without_tree(verdict)
        excess -= len(verdict) - len(without_tree)
        fitting[index] = replace(fitting[index], verdict=without_tree)
    return tuple(fitting)


def _without_tree(verdict: bytes) -> bytes:
    content: dict[str, Any] = msgspec.json.decode(verdict)
    return msgspec.json.encode({**content, "sentence": content["sentence"] + LEFT_OUT, "tree": None})
