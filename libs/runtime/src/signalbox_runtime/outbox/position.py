"""Where a relay begins, decided from its position on Kafka and its table. Pure."""

from collections.abc import Sequence

import msgspec

from signalbox_contracts.messages import OutboxPosition
from signalbox_runtime.outbox.errors import PositionAhead
from signalbox_runtime.records import Outbound


class OutboxRow(msgspec.Struct, frozen=True):
    """A row as it is sent."""

    id: int
    record: Outbound
    ends_group: bool
    waited_seconds: float = 0.0


def begin_after(position: OutboxPosition | None, generation: str, newest_id: int) -> int:
    """The id after which to send. `newest_id` is the highest that the table ever gave, 0 for none.

    A position of another generation counts nothing: after a restore every row still kept goes out again.
    Raises PositionAhead when the position is past `newest_id`: then the database was set back without a new
    generation, and rows to come would be taken for sent ones.
    """
    if position is None or position.generation != generation:
        return 0
    if position.last_id > newest_id:
        raise PositionAhead(
            f"outbox.positions says that relay {position.relay} sent row {position.last_id}, but the outbox "
            f"has only given ids up to {newest_id}. The database is older than the topic. If it was restored "
            "on purpose, give <schema>.outbox_generation a new generation (a random UUID) and start again."
        )
    return position.last_id


def whole_groups(rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
    """The longest beginning of `rows` that cuts no group; empty if not even the first group is whole."""
    for end in range(len(rows), 0, -1):
        if rows[end - 1].ends_group:
            return rows[:end]
    return ()
