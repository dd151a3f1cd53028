"""Who does something, and when; and times that callers give."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Principal
from workflow_api.domain.workflow import Change


def change_by(caller: Principal, clock: Clock) -> Change:
    """`caller`, now."""
    return Change(caller.actor, now(clock))


def now(clock: Clock) -> datetime:
    """The clock's time in UTC."""
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 of UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with a zone, in UTC."""
