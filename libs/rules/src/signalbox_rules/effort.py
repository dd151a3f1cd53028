"""How much work one event's judgement may make: nobody's record or condition holds up anybody else's events.

Work is counted, not timed, so that a replay comes to the same answer on any machine. A step is about 8 ns
of one core, measured on the operators over values of 1 MiB.
"""

from typing import Any, Final

import msgspec

from signalbox_rules.errors import TooMuchToJudge

COMPARISON_STEPS_MAX: Final = 4_000_000  # some 30 ms: `contains` on a list of 1 MiB, a huge pattern on a page
EVENT_STEPS_MAX: Final = (
    16_000_000  # some 130 ms, of all comparisons of all workflows that one event triggers
)
FREE_LENGTH: Final = 256  # characters or members; below, looking costs more than comparing
TEXT_ASCII_SHARE: Final = 16  # characters a step: letter case is folded by the machine word
TEXT_OTHER_STEPS: Final = 8  # a character: Unicode is composed, folded and composed again
MEMBER_STEPS: Final = 32  # of a list or an object: each is read and compared by itself
JSON_BYTE_STEPS: Final = 8  # of a value that is compared member by member, to any depth


class Effort:
    """What the judgement of one event may still cost."""

    __slots__ = ("left",)

    def __init__(self, steps: int = EVENT_STEPS_MAX) -> None:
        self.left = steps

    def spend(self, steps: int, field: str) -> None:
        """Counts a comparison of `field` before it is made. Raises TooMuchToJudge."""
        if steps > COMPARISON_STEPS_MAX:
            raise TooMuchToJudge(
                f"The value of {field} is too much to judge: comparing it would take {steps:,} steps, and a"
                f" comparison may take {COMPARISON_STEPS_MAX:,}. Compare a shorter field, or simplify the"
                " pattern."
            )
        self.left -= steps
        if self.left < 0:
            raise TooMuchToJudge(
                f"The event is too much to judge: up to {field} its comparisons would take more than"
                f" {EVENT_STEPS_MAX:,} steps. Compare shorter fields, or fewer of them."
            )


def may_be_large(value: Any) -> bool:
    """Whether a value is worth counting. A short list may hold long texts."""
    kind = type(value)
    return len(value) > FREE_LENGTH if kind is str else kind is list or kind is dict


def text_steps(text: str) -> int:
    """What folding and searching a text costs, in steps."""
    return len(text) // TEXT_ASCII_SHARE if text.isascii() else len(text) * TEXT_OTHER_STEPS


def value_steps(value: Any) -> int:
    """What comparing a value of a record costs, in steps; 0 for what is small."""
    kind = type(value)
    if kind is str:
        return text_steps(value) if len(value) > FREE_LENGTH else 0
    if kind is list:
        texts = sum(text_steps(member) for member in value if type(member) is str)
        return MEMBER_STEPS * len(value) + texts if len(value) > FREE_LENGTH or texts > FREE_LENGTH else 0
    return 0


def whole_value_steps(value: Any) -> int:
    """The same of a comparison that goes through a value to any depth."""
    if type(value) is not list and type(value) is not dict:
        return value_steps(value)
    try:
        return len(msgspec.json.encode(value)) * JSON_BYTE_STEPS
    except (ValueError, TypeError, RecursionError):  # a depth or a number that JSON does not write
        return COMPARISON_STEPS_MAX
