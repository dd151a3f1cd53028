"""Who does something, and when."""

from datetime import UTC, datetime

from signalbox_runtime.auth import Principal
from signalbox_runtime.clock import Clock
from workflow_api.domain.workflow import Change


def change_by(caller: Principal, clock: Clock) -> Change:
    """`caller`, now."""
    return Change(caller.actor, now(clock))


def now(clock: Clock) -> datetime:
    """The clock's time in UTC."""
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
