"""The settings of every Kafka client, in librdkafka's names; the reasons are measurements of this stack."""

from collections.abc import Mapping
from typing import Any

from signalbox_runtime.errors import ServiceRefused

BOOTSTRAP_OPTION = "bootstrap.servers"
TRANSACTION_TIMEOUT_MS = 10_000
"""An open transaction of a crashed process hides later records for this long at most, unless its slot is
back sooner."""
MESSAGE_MAX_BYTES = 9_437_184
"""dead-letters takes 8 MiB; this leaves room for the batch's own framing."""
VIEW_FETCH_WAIT_MS = 100
"""How long a view may take to learn that a topic ends in a transaction marker: one empty fetch. A batch waits
for it only within that time after a change; each fetch costs an idle broker about 0.7 ms of CPU."""
PAUSING_FETCH_WAIT_MS = 100
"""A resumed partition is asked for only after the fetch that waits at the broker for the others: 500 ms by
default, in which a runner of CRM commands ran dry (7,300 to 7,700 a second; 9,800 to 11,800 so)."""

Options = Mapping[str, Any]

_SHARED: Options = {
    "socket.keepalive.enable": True,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1_000,
}
_CONSUMER: Options = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "queued.max.messages.kbytes": 16_384,
}
_GROUP: Options = {
    "auto.offset.reset": "error",
    "partition.assignment.strategy": "cooperative-sticky",
    # A killed member's partitions came back after 43 s at the defaults, 5.5 s so.
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 1_500,
}
_READER: Options = {
    "auto.offset.reset": "earliest",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": VIEW_FETCH_WAIT_MS,
}
_PRODUCER: Options = {
    "enable.idempotence": True,
    # librdkafka's default puts 159 of 200 keys elsewhere than Java's.
    "partitioner": "murmur2_random",
    "compression.type": "lz4",
    "linger.ms": 1,
    "message.max.bytes": MESSAGE_MAX_BYTES,
    "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
    # At the default of 100 ms small transactions back to back run at 10 a second.
    "retry.backoff.ms": 2,
    # send_offsets_to_transaction may wait for ever, whatever its timeout (librdkafka issue 5456): while a
    # broker starts it stops asking for the group's coordinator after a few refusals, until a connection
    # opens or closes. Closing idle ones brings that about; to connect again costs a transaction nothing
    # measurable.
    "connections.max.idle.ms": 5_000,
}
_KEPT = frozenset(
    {
        "auto.offset.reset",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "isolation.level",
        "partition.assignment.strategy",
        "partitioner",
        "transactional.id",
    }
)
"""What the promises rest on: the environment may tune everything else."""


def checked(given: Mapping[str, str]) -> Mapping[str, str]:
    """`given` if it names brokers and leaves alone what the promises rest on, else ServiceRefused."""
    if BOOTSTRAP_OPTION not in given:
        raise ServiceRefused("SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS is not set: give it host:port of a broker.")
    kept = sorted(_KEPT & given.keys())
    if kept:
        names = ", ".join(f"SIGNALBOX_KAFKA__{name.upper().replace('.', '_')}" for name in kept)
        raise ServiceRefused(f"{names}: this option is not for changing; unset it.")
    return given


def group_consumer(
    given: Mapping[str, str], group: str, instance_id: str | None, *, pauses: bool = False
) -> Options:
    """A member of `group`."""
    member: dict[str, str] = {"group.id": group}
    waits: Options = {"fetch.wait.max.ms": PAUSING_FETCH_WAIT_MS} if pauses else {}
    if instance_id is not None:
        member["group.instance.id"] = instance_id
    return {**_SHARED, **_CONSUMER, **_GROUP, **waits, **given, **member}


def reader(given: Mapping[str, str]) -> Options:
    """A consumer outside any group; librdkafka wants a group's name all the same."""
    return {**_SHARED, **_CONSUMER, **_READER, **given, "group.id": "signalbox-readers"}


def producer(given: Mapping[str, str], transactional_id: str) -> Options:
    """A transactional producer."""
    return {**_SHARED, **_PRODUCER, **given, "transactional.id": transactional_id}


def admin(given: Mapping[str, str]) -> Options:
    """A client for questions."""
    return {**_SHARED, **given}
