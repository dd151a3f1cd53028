"""How much one rendering may do, and what it notes on the way."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from liquid.exceptions import ResourceLimitError

from signalbox_rules.filters.filter import FilterRefused

OUTPUT_CHARACTERS_MAX: Final = 262_144  # of one rendered text; mail servers refuse much more
ITERATIONS_MAX: Final = 10_000  # of all loops of one template together
NESTING_MAX: Final = 20
WORK_CHARACTERS_MAX: Final = 8_388_608  # that all filters of one rendering may read and write together
WARNINGS_MAX: Final = 20

_STRUCTURE_WORK: Final = (
    2_000  # what a list or an object counts for: looking into it costs more than its length
)


class TemplateLimitReached(ResourceLimitError):
    """A template wrote, looped or worked more than is allowed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, token=None)


class Bookkeeping:
    """What a rendering noted and did so far; `optional` variables may be missing without a warning."""

    __slots__ = ("_iterations", "_optional", "_work", "warnings")

    def __init__(self, optional: frozenset[str]) -> None:
        self.warnings: list[str] = []
        self._optional = optional
        self._iterations = 0
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
        self._spend(value)
        try:
            result = function(value, *arguments)
        except FilterRefused as refused:
            self.warn(f"{name}: {refused}")
            return None
        self._spend(result)
        return result

    def _spend(self, value: Any) -> None:
        kind = type(value)
        if kind is str:
            self._work += len(value)
        elif kind is list or kind is dict:
            self._work += _STRUCTURE_WORK + len(value)
        else:
            self._work += 1
        if self._work > WORK_CHARACTERS_MAX:
            raise TemplateLimitReached(f"the template works on more than {WORK_CHARACTERS_MAX:,} characters")

    def loop(self, rounds: int) -> None:
        """Count the rounds of a loop that is about to start."""
        self._iterations += rounds
        if self._iterations > ITERATIONS_MAX:
            raise TemplateLimitReached(f"the template loops more than {ITERATIONS_MAX:,} times")


def check_length(characters: int) -> None:
    """Raises TemplateLimitReached if an output is too long."""
    if characters > OUTPUT_CHARACTERS_MAX:
        raise TemplateLimitReached(f"the output has more than {OUTPUT_CHARACTERS_MAX:,} characters")
