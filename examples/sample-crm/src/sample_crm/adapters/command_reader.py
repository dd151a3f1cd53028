"""Reads `crm.commands` as the consumer group `crm`; offsets are committed after the database has."""

import asyncio
from collections.abc import Sequence
from typing import Final

from sample_crm.adapters.commands import apply_commands
from sample_crm.adapters.unit import Crm
from signalbox_contracts import codec
from signalbox_contracts.errors import ContractError, UndecodableMessage
from signalbox_contracts.messages import CrmCommand
from signalbox_runtime.loops.dead_letters import dead_letter
from signalbox_runtime.loops.transform import Transform
from signalbox_runtime.records import Inbound, Outbox

NAME: Final = "crm"
APPLY_TIMEOUT_SECONDS: Final = 30


class CommandReader(Transform):
    """A batch is applied once fetched; if its offsets are not committed it comes again, and is known."""

    def __init__(self, crm: Crm, loop: asyncio.AbstractEventLoop) -> None:
        self._crm = crm
        self._loop = loop

    def prepare(self, batch: Sequence[Inbound]) -> None:
        commands = [command for inbound in batch if isinstance(command := read_command(inbound), CrmCommand)]
        # Another tenant's commands are another CRM's to answer.
        own = [command for command in commands if command.tenant_id == self._crm.tenant_id]
        if own:
            applied = asyncio.run_coroutine_threadsafe(apply_commands(self._crm, own), self._loop)
            applied.result(APPLY_TIMEOUT_SECONDS)

    def handle(self, inbound: Inbound) -> Outbox:
        command = read_command(inbound)
        if isinstance(command, CrmCommand):
            return Outbox()
        return Outbox([dead_letter(inbound, NAME, str(command), self._crm.clock.now_ms())])


def read_command(inbound: Inbound) -> CrmCommand | ContractError:
    """The command, or why it is none that could ever be answered."""
    try:
        command = codec.decode(inbound.value or b"", CrmCommand)
    except UndecodableMessage as error:
        return error
    names = (command.command_id, command.tenant_id, command.module, command.record_id, command.workflow_id)
    if not all(name and name.isprintable() for name in names):
        return ContractError(f"An id of this command is empty or holds unprintable characters: {names}.")
    return command
