"""How long what is kept: a partition too old for everybody goes; one too old for some is rewritten."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Age = Literal["runs", "payloads", "verdicts", "skipped"]
"""What is kept for equally long."""
AGES: tuple[Age, ...] = ("runs", "payloads", "verdicts", "skipped")


class Ages(msgspec.Struct, frozen=True):
    """Days that run rows, their events and records, their verdicts, and skipped rows are kept."""

    runs: int
    payloads: int
    verdicts: int
    skipped: int


class Kept(msgspec.Struct, frozen=True):
    """One partition there is, and the end of the time that it covers."""

    table: str
    name: str
    age: Age
    end: datetime


class Drop(msgspec.Struct, frozen=True):
    """The partition is too old for every tenant."""

    partition: Kept


class Rewrite(msgspec.Struct, frozen=True):
    """The partition is too old for some: it is made anew without their rows.

    `tenants` are those that keep their rows if `keeps`, else those that lose them.
    """

    partition: Kept
    tenants: tuple[str, ...]
    keeps: bool


Step = Drop | Rewrite


def plan(partitions: Iterable[Kept], default: Ages, tenants: Mapping[str, Ages], now: datetime) -> list[Step]:
    """What is due. `tenants` are those with ages of their own."""
    steps: list[Step] = []
    for partition in partitions:
        expired = sorted(name for name, ages in tenants.items() if _expired(partition, ages, now))
        if not _expired(partition, default, now):
            if expired:
                steps.append(Rewrite(partition, tuple(expired), keeps=False))
        elif len(expired) == len(tenants):
            steps.append(Drop(partition))
        else:
            steps.append(Rewrite(partition, tuple(sorted(tenants.keys() - set(expired))), keeps=True))
    return steps


def _expired(partition: Kept, ages: Ages, now: datetime) -> bool:
    days: int = getattr(ages, partition.age)
    return partition.end <= now - timedelta(days=days)
