"""The runner's metrics."""

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
    "Actions sent to wait because their destination is too slow.",
    ["action"],
)
LANE_SLEEPS = gauge("signalbox_runner_lane_sleeps", "Actions that wait in their lane for another attempt.")
