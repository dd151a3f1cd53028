"""Round robin of owners, fair across restarts: the commands already sent are its memory.

Whoever of the list has waited longest is next. The turn is written into a header of the command, in the same
transaction as everything else, so only committed turns count; a process that takes partitions over reads the
headers of their last commands. Why not a counter: docs/decisions/0021.
"""

from collections.abc import Sequence

import msgspec

from action_runner.actions.action import Turn
from signalbox_contracts import topics
from signalbox_contracts.messages import ActionRequested
from signalbox_runtime.clock import Clock
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.refill import refill
from signalbox_runtime.records import Inbound, TopicPartition

HEADER = "signalbox-turn"
COMMANDS_READ_BACK = 10_000
"""Commands of each partition that are looked through; a rotation not used since begins anew with its list."""


class _Taken(msgspec.Struct, frozen=True, array_like=True):
    """A turn as its header has it."""

    tenant_id: str
    workflow_id: str
    action_id: str
    owner: str
    at: int
    """Milliseconds, but always more than the turn before."""


_decoder = msgspec.json.Decoder(_Taken)


class Rotation:
    """Turns taken, by tenant, workflow and action. Belongs to one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_at = 0
        self._turns: dict[tuple[str, str, str], dict[str, int]] = {}

    def take_turn(self, token: ActionRequested, owners: Sequence[str]) -> Turn:
        """The first of `owners` never chosen, else the one chosen longest ago; notes the turn."""
        action_id = token.actions[0].id
        turns = self._turns.get((token.tenant_id, token.workflow_id, action_id), {})
        owner = min(owners, key=lambda candidate: turns.get(candidate, 0))
        taken = _Taken(
            token.tenant_id,
            token.workflow_id,
            action_id,
            owner,
            max(self._clock.now_ms(), self._last_at + 1),
        )
        self._note(taken)
        return Turn(owner, (HEADER, msgspec.json.encode(taken)))

    def note(self, inbound: Inbound) -> bytes | None:
        """Takes in a command sent before; returns its header. In any order: the latest turn of an owner
        counts.
        """
        header = inbound.header(HEADER)
        if header is not None:
            self._note(_decoder.decode(header))
        return header

    def read_back(self, kafka: Kafka, partitions: Sequence[int]) -> None:
        """Reads the commands of these partitions; a lane has the same partition on every topic."""
        places = [TopicPartition(topics.CRM_COMMANDS, partition) for partition in partitions]
        ends = kafka.offsets().end_offsets(places)
        refill(kafka, IdMemory(COMMANDS_READ_BACK), ends, self.note)

    def _note(self, taken: _Taken) -> None:
        self._last_at = max(self._last_at, taken.at)
        turns = self._turns.setdefault((taken.tenant_id, taken.workflow_id, taken.action_id), {})
        turns[taken.owner] = max(taken.at, turns.get(taken.owner, 0))
