"""How many records each of the system's consumer groups has not read yet."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Final

import structlog

from signalbox_contracts import topics
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.group_progress import GroupProgress

MARKERS_MAX: Final = 2
"""The end of a transaction takes an offset that no reader gets: so few behind is none behind."""
LEDGER: Final = "run-ledger"
"""Its offsets are in PostgreSQL."""
log = structlog.get_logger()


class KafkaBehind:
    """Asks the cluster, one question at a time."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options
        self._one_at_a_time = threading.Lock()

    async def behind(self) -> dict[str, int]:
        return await asyncio.to_thread(self._behind)

    def _behind(self) -> dict[str, int]:
        with self._one_at_a_time:
            progress = GroupProgress(self._options)
            found: dict[str, int] = {}
            for group, names in _read_by().items():
                try:
                    ends, committed = progress.log_ends(names), progress.committed(group, names)
                except KafkaUnavailable as error:
                    log.info("group can't be asked", group=group, reason=str(error))
                else:
                    unread = [ends[place] - max(offset, 0) for place, offset in committed.items()]
                    found[group] = sum(behind for behind in unread if behind > MARKERS_MAX)
            return found


def _read_by() -> dict[str, list[str]]:
    read_by: dict[str, list[str]] = {}
    for topic in topics.all_topics():
        for group in topic.groups():
            if group != LEDGER:
                read_by.setdefault(group, []).append(topic.name)
    return read_by
