"""How much one rendering may do, and what it notes on the way."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from liquid.exceptions import ResourceLimitError

from signalbox_rules.errors import RenderingFailed
from signalbox_rules.filters.filter import FilterRefused

OUTPUT_CHARACTERS_MAX: Final = 262_144  # of one rendered text; mail servers refuse much more
ITERATIONS_MAX: Final = 10_000  # of all loops of one action together
STEPS_MAX: Final = 400_000  # tags, outputs and values that all its loops go through; about a second
NESTING_MAX: Final = 20
WORK_CHARACTERS_MAX: Final = 8_388_608  # that all its filters may read and write together
VALUE_BYTES_MAX: Final = 4_194_304  # of a JSON value's templates; no message of Signalbox is larger
WARNINGS_MAX: Final = 20
ACTION_CHARACTERS_MAX: Final = 8_388_608  # of all texts of one action; no message of Signalbox is larger
RENDER_SECONDS_MAX: Final = 1.0  # of processor time for all texts of one action; a long mail takes 0.005
LOOKS_A_QUESTION: Final = 16  # filters or rounds between two questions to the clock: some ms at the most

_STRUCTURE_WORK: Final = 2_000  # what a list or an object counts for: it may have others inside
_MEMBER_WORK: Final = 20  # what each of its members counts for: sorting and adding look at each


class TemplateLimitReached(ResourceLimitError):
    """A template wrote, looped or worked more than is allowed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, token=None)


class RenderBudget:
    """What all texts of one action may do together: loops, steps, work, output, and time of the processor.

    `cpu_seconds` is a clock that only this thread's work moves; without it there is no bound on time, and the
    counts alone end a rendering. With the defaults they do so within some seconds.
    """

    __slots__ = (
        "_characters",
        "_cpu_seconds",
        "_ends_at",
        "_iterations",
        "_looks",
        "_steps",
        "_work",
        "out_of_time",
    )

    def __init__(
        self, cpu_seconds: Callable[[], float] | None = None, seconds_max: float = RENDER_SECONDS_MAX
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._ends_at = 0.0 if cpu_seconds is None else cpu_seconds() + seconds_max
        self._looks = 0
        self._iterations = 0
        self._steps = 0
        self._work = 0
        self._characters = 0
        self.out_of_time = False

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
        self.look_at_the_time()

    def work(self, characters: int) -> None:
        """Count what a value may make of work to whoever looks at it."""
        self._work += characters
        if self._work > WORK_CHARACTERS_MAX:
            raise TemplateLimitReached(f"the template works on more than {WORK_CHARACTERS_MAX:,} characters")

    def written(self, characters: int) -> None:
        """Count a finished text."""
        self._characters += characters
        if self._characters > ACTION_CHARACTERS_MAX:
            raise TemplateLimitReached(
                f"the texts of the action have more than {ACTION_CHARACTERS_MAX:,} characters together"
            )

    def look_at_the_time(self) -> None:
        """Ask the clock, now and then: it costs more than most steps."""
        if self._cpu_seconds is None:
            return
        self._looks += 1
        if self._looks % LOOKS_A_QUESTION == 0 and self._cpu_seconds() > self._ends_at:
            self.out_of_time = True
            raise TemplateLimitReached("the texts of the action take too long to render; loop less")


class Bookkeeping:
    """What a rendering noted, and the budget it spends; `optional` variables may be missing unwarned."""

    __slots__ = ("_optional", "budget", "warnings")

    def __init__(self, optional: frozenset[str], budget: RenderBudget) -> None:
        self.warnings: list[str] = []
        self.budget = budget
        self._optional = optional

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
        self.budget.look_at_the_time()
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
            self.budget.work(len(value))
        elif kind is list or kind is dict:
            self.budget.work(_STRUCTURE_WORK + _MEMBER_WORK * len(value))
        else:
            self.budget.work(1)


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
