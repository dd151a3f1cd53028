"""Named points where tests break the code on purpose.

`SIGNALBOX_FAULT=runner.after_call:kill:3` makes the process kill itself the third time it passes that
point; `:stop:1` stops it (SIGSTOP), as a long pause would; `:error:2` raises FaultInjected. Several
are joined by commas. Unset, a point costs one dictionary look-up.
"""

import os
import signal

POINTS = (
    "transform.before_produce",
    "transform.before_commit",
    "transform.after_commit",
    "runner.before_call",
    "runner.in_call",
    "runner.after_call",
    "lanes.before_commit",
    "lanes.after_commit",
    "relay.before_send",
    "relay.before_commit",
    "relay.after_commit",
    "ledger.before_commit",
    "ledger.after_commit",
    "api.after_database_commit",
    "crm.before_apply",
    "crm.after_apply",
    "crm.before_answer",
)
ACTIONS = ("kill", "stop", "error")


class FaultInjected(RuntimeError):
    """Raised at a point that a test asked to fail."""


def parse(text: str) -> dict[str, tuple[str, int]]:
    """`point:action:count` by point. Raises ValueError for a point or action that does not exist."""
    faults: dict[str, tuple[str, int]] = {}
    for entry in filter(None, text.split(",")):
        point, action, count = entry.split(":")
        if point not in POINTS or action not in ACTIONS:
            raise ValueError(
                f"SIGNALBOX_FAULT names {point}:{action}; points are {POINTS}, actions {ACTIONS}."
            )
        faults[point] = (action, int(count))
    return faults


_armed = parse(os.environ.get("SIGNALBOX_FAULT", ""))


def at(point: str) -> None:
    """Passes a named point."""
    armed = _armed.get(point)
    if armed is not None:
        _pass_armed(point, *armed)


def _pass_armed(point: str, action: str, count: int) -> None:
    if count > 1:
        _armed[point] = (action, count - 1)
        return
    del _armed[point]
    if action == "error":
        raise FaultInjected(point)
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
