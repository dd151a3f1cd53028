"""Short waits in a lane, which end early when its partition is taken away."""

import asyncio
from collections.abc import Collection

from signalbox_runtime.records import TopicPartition


class LaneSleep:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._sleepers: dict[TopicPartition, set[asyncio.Future[None]]] = {}
        self._taken_away: set[TopicPartition] = set()

    async def sleep(self, partition: TopicPartition, seconds: float) -> bool:
        """Waits; False as soon as the partition is taken away, and at once if it was before, so that what is
        known so far can be committed.
        """
        if partition in self._taken_away:
            return False
        woken = asyncio.get_running_loop().create_future()
        sleepers = self._sleepers.setdefault(partition, set())
        sleepers.add(woken)
        try:
            async with asyncio.timeout(seconds):
                await woken
        except TimeoutError:
            return True
        finally:
            sleepers.discard(woken)
            if not sleepers:
                self._sleepers.pop(partition, None)
        return False

    def wake(self, partitions: Collection[TopicPartition]) -> None:
        """The partitions are being taken away: nobody sleeps for them until they are `given`."""
        self._taken_away.update(partitions)
        for partition in partitions:
            for woken in tuple(self._sleepers.get(partition, ())):
                if not woken.done():
                    woken.set_result(None)

    def given(self, partitions: Collection[TopicPartition]) -> None:
        """The partitions came, or came back."""
        self._taken_away.difference_update(partitions)
