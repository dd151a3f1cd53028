"""How much one rendering may do, and what it notes on the way."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from liquid.exceptions import ResourceLimitError

from signalbox_rules.errors import RenderingFailed
from signalbox_rules.filters.filter import FilterRefused

OUTPUT_CHARACTERS_MAX: Final = 262_144  # of one rendered text; mail servers refuse much more
ITERATIONS_MAX: Final = 10_000  # of all loops of one template together
STEPS_MAX: Final = 400_000  # tags, outputs and values that all loops together go through; about a second
NESTING_MAX: Final = 20
WORK_CHARACTERS_MAX: Final = 8_388_608  # that all filters of one rendering may read and write together
VALUE_BYTES_MAX: Final = 4_194_304  # of a JSON value's templates; no message of Signalbox is larger
WARNINGS_MAX: Final = 20

_STRUCTURE_WORK: Final = 2_000  # what a list or an object counts for: it may have others inside
_MEMBER_WORK: Final = 20  # what each of its members counts for: sorting and adding look at each


class TemplateLimitReached(ResourceLimitError):
    """A template wrote, looped or worked more than is allowed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, token=None)


class Bookkeeping:
    """What a rendering noted and did so far; `optional` variables may be missing without a warning."""

    __slots__ = ("_iterations", "_optional", "_steps", "_work", "warnings")

    def __init__(self, optional: frozenset[str]) -> None:
        self.warnings: list[str] = []
        self._optional = optional
        self._iterations = 0
        self._steps = 0
        self._work = 0

    def missing(self, path: Sequence[object]) -> None:
        """Note that nothing is at a path."""
        name = ".".join(map(str, path))
        if name not in self._optional:
            self.warn(f"{name} is not there")

    def warn(self, warning: str) -> None:
        """Note what a person should know about the output."""
        if len(self.warnings) < WARNINGS_MAX and warning not in self.warnings:
            self.warnings.append(warning)

    def filtered(self, name: str, function: Callable[..., Any], value: Any, arguments: Sequence[Any]) -> Any:
        """What a filter makes of a value; nothing, with a warning, if it refuses. Counts the work."""
        self.read(value)
        try:
            result = function(value, *arguments)
        except FilterRefused as refused:
            self.warn(f"{name}: {refused}")
            return None
        self.read(result)
        return result

    def read(self, value: Any) -> None:
        """Count the work that a value may make to whoever looks at it."""
        kind = type(value)
        if kind is str:
            self._work += len(value)
        elif kind is list or kind is dict:
            self._work += _STRUCTURE_WORK + _MEMBER_WORK * len(value)
        else:
            self._work += 1
        if self._work > WORK_CHARACTERS_MAX:
            raise TemplateLimitReached(f"the template works on more than {WORK_CHARACTERS_MAX:,} characters")

    def loop(self, rounds: int) -> None:
        """Count the rounds of a loop that is about to start."""
        self._iterations += rounds
        if self._iterations > ITERATIONS_MAX:
            raise TemplateLimitReached(f"the template loops more than {ITERATIONS_MAX:,} times")

    def round(self, steps: int) -> None:
        """Count what one round of a loop goes through."""
        self._steps += steps
        if self._steps > STEPS_MAX:
            raise TemplateLimitReached(f"the template's loops take more than {STEPS_MAX:,} steps")


class ValueBudget:
    """What the templates in one JSON value may put into it together, as bytes of JSON."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = VALUE_BYTES_MAX

    def spend(self, value: Any) -> None:
        """Count a value. Raises RenderingFailed."""
        if type(value) is str:
            self._left -= len(value)
        elif type(value) is list or type(value) is dict:
            self._left -= _written_length(value)
        if self._left < 0:
            raise RenderingFailed(f"the value would have more than {VALUE_BYTES_MAX:,} bytes")


def _written_length(value: Any) -> int:
    try:
        return len(msgspec.json.encode(value))
    except (TypeError, ValueError, RecursionError):
        raise RenderingFailed("the value cannot be written as JSON") from None


def check_length(characters: int) -> None:
    """Raises TemplateLimitReached if an output is too long."""
    if characters > OUTPUT_CHARACTERS_MAX:
        raise TemplateLimitReached(f"the output has more than {OUTPUT_CHARACTERS_MAX:,} characters")
