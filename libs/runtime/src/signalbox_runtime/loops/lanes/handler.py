"""What a service gives to the lanes loop, and the limits the loop keeps."""

from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from signalbox_runtime.records import Inbound, Outbox, TopicPartition

Content = TypeVar("Content")


class Work(msgspec.Struct, Generic[Content], frozen=True):
    """One record, decoded: what it is, whose it is, and whom its execution calls.

    Its lane is (topic, partition, key) of `inbound`. `destination` is any text that groups calls which
    slow each other down, e.g. `https://erp.example:443`; at most a few of those run at once.
    """

    inbound: Inbound
    tenant_id: str
    destination: str
    content: Content


class LaneHandler(Protocol[Content]):
    """The service's side of the loop. Everything is called on the asyncio thread.

    An exception out of any of these ends the process with nothing committed for that record: it will
    be delivered again. What can go wrong with a call is a value in the Outbox, never an exception.
    """

    def accept(self, inbound: Inbound) -> Work[Content]:
        """Decodes a record. Called once per delivery, in offset order within a tenant's lane."""
        ...

    def tenant_of(self, inbound: Inbound) -> str | None:
        """Whose record it is, told without decoding it, so that it may wait as it came.

        None: it must be accepted at once, in offset order with those that are skipped.
        """
        ...

    def skipped(self, inbound: Inbound) -> None:
        """A record that is delivered again although its work was finished before.

        It comes in order with the others, so that a memory of what was seen has no holes.
        """
        ...

    def execute(self, work: Work[Content]) -> Outbox | Coroutine[Any, Any, Outbox]:
        """Does the work, and answers with what has to be written for it.

        An Outbox means that nothing was called and nothing has to be waited for. A coroutine counts as
        a call: it holds a place of its destination and its tenant until it ends, and its lane as well,
        so a short wait before another attempt is an `asyncio.sleep` in it. It is never cancelled while
        its partition is here, so it needs a timeout of its own, below `LaneLimits.drain_seconds`.
        """
        ...

    def overflow(self, work: Work[Content], wait_ms: int) -> Outbox:
        """What to write for work whose destination doesn't answer: a delay of `wait_ms`."""
        ...

    def assigned(self, starts: Mapping[TopicPartition, int]) -> Awaitable[None] | None:
        """Partitions came, with the offset each starts at. Nothing of them is accepted before this ends.

        From there on every record is passed to `accept` or `skipped`.
        """
        ...

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        """Partitions went. Calls of theirs may still be running; what they write will be dropped."""
        ...


class LaneLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much the loop takes on. The defaults are those of design.md §4."""

    in_flight_max: int = 2_000
    """Calls that run at once in this process."""
    destination_in_flight_max: int = 50
    """Calls that run at once to one destination."""
    uncommitted_max: int = 100
    """No call starts while so many were answered and are not committed. So a crash repeats at most so many,
    and those that run."""
    uncommitted_young_max: int = 50
    """So many more may be on their way: no call starts while the answered ones and those that began
    within `young_ms` are as many as the two together, else a burst to many fast destinations would be
    answered all at once. Older ones don't count: their receivers take longer than a commit does."""
    young_ms: int = 20
    held_max: int = 24_000
    """Records in memory: waiting, running, or done and not committed. Partitions pause at 75 % of it. Each
    4 KiB count as a record, so it is some 100 MB. Much more than may be decoded: what is not read can't have
    its turn, and another tenant's record may stand behind 20,000 of one."""
    decoded_max: int = 4_000
    """Of those, decoded and waiting or running: each tenant has a share."""
    destination_queue_max: int = 200
    """How many records of a tenant wait for a destination that does not answer; if there are more and the
    tenant's share of `decoded_max` is used up, the others go to `LaneHandler.overflow`."""
    unanswered_ms: int = 2_000
    """A destination whose calls take longer than this on average does not answer: its 50 places answer at
    most 25 calls a second. It has to look like that for as long again, since this process may have stood
    still. A queue before a destination that answers is no sign of anything."""
    transaction_results_max: int = 500
    """Results in one transaction."""
    commit_floor_ms: int = 20
    """Under load, the least time from one commit to the next."""
    metadata_max_bytes: int = 4_096
    """What the broker takes as metadata of a committed offset (offset.metadata.max.bytes)."""
    drain_seconds: float = 130.0
    """How long partitions that are being taken away are kept at most, so that their calls can end: only a
    crash may repeat a call. Under max.poll.interval.ms (300 s), above the longest call (120 s)."""
