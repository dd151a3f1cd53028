"""The runner's metrics."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

from action_runner.domain.outcome import Outcome
from signalbox_contracts.messages import RunFact
from signalbox_runtime.metrics import counter, gauge, histogram

ATTEMPTS = counter(
    "signalbox_runner_attempts_total",
    "Attempts of actions by how they ended: succeeded, retryable, permanent, unknown, postponed.",
    ["action", "outcome"],
)
ATTEMPT_SECONDS = histogram(
    "signalbox_runner_attempt_seconds", "Time of one attempt, the other side's included.", ["action"]
)
COMMANDS = counter("signalbox_runner_commands_total", "Commands sent to the CRM.", ["action"])
ANSWERS = counter(
    "signalbox_runner_answers_total",
    "Answers of the CRM: applied, rejected, late, repeated, unusable.",
    ["outcome"],
)
RUNS_ENDED = counter(
    "signalbox_runner_runs_ended_total", "Runs that ended here: succeeded, failed, canceled.", ["outcome"]
)
HOLDS = counter(
    "signalbox_runner_holds_total", "Calls with an unknown outcome that wait for a person.", ["action"]
)
OVERFLOWED = counter(
    "signalbox_runner_overflowed_total",
    "Actions sent to wait because their destination does not answer.",
    ["action"],
)
LANE_SLEEPS = gauge("signalbox_runner_lane_sleeps", "Actions that wait in their lane for another attempt.")


def attempt_took(action_type: str, outcome: Outcome, seconds: float) -> None:
    """Counts an attempt and its time."""
    attempts, durations = _of_attempt(action_type, type(outcome).__name__.lower())
    attempts.inc()
    durations.observe(seconds)


def command_sent(action_type: str) -> None:
    """Counts a command to the CRM."""
    _of_command(action_type).inc()


def run_ended(fact: RunFact) -> None:
    """Counts a run that ended with `fact`."""
    _of_end(type(fact).__name__.removeprefix("Run").lower()).inc()


# Looking a label up takes as long as counting; there are few.
@lru_cache(maxsize=256)
def _of_attempt(action_type: str, outcome: str) -> tuple[Counter, Histogram]:
    return ATTEMPTS.labels(action_type, outcome), ATTEMPT_SECONDS.labels(action_type)


@lru_cache(maxsize=16)
def _of_command(action_type: str) -> Counter:
    return COMMANDS.labels(action_type)


@lru_cache(maxsize=16)
def _of_end(outcome: str) -> Counter:
    return RUNS_ENDED.labels(outcome)
