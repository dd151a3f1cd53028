"""What an executor is: it turns a rendered action into a call to make, or into a command for the CRM."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from action_runner.adapters.http_client import HttpSender
from action_runner.adapters.smtp import MailSender, SmtpServer
from action_runner.domain.outcome import Outcome
from signalbox_contracts.messages import ActionRequested
from signalbox_runtime.clock import Clock
from signalbox_runtime.records import Headers


class Job(msgspec.Struct, frozen=True):
    """The token's current action, rendered. `effect_key` identifies its effect to the other side."""

    token: ActionRequested
    parameters: Mapping[str, Any]
    effect_key: str
    warnings: tuple[str, ...] = ()


class Turn(msgspec.Struct, frozen=True):
    """Whose turn it is, and the header that remembers it in the command."""

    owner: str
    header: tuple[str, bytes]


class OwnerRotation(Protocol):
    """Whose turn it is; see `rotation`."""

    def take_turn(self, token: ActionRequested, owners: Sequence[str]) -> Turn:
        """The owner who has waited longest."""
        ...


class Surroundings(msgspec.Struct, frozen=True):
    """What executors may use."""

    clock: Clock
    http: HttpSender
    mail: MailSender
    secrets: Callable[[str, str], tuple[str, ...]]
    """Tenant and name → the secret's values, the newest first. Raises MissingSecret."""
    smtp_server: Callable[[str], SmtpServer]
    """Tenant → its SMTP server. Raises MissingSecret."""
    mail_from: str
    message_id_domain: str
    rotation: OwnerRotation


class PreparedCall(Protocol):
    """A call that is ready to be made, and may be made again with the same key."""

    @property
    def destination(self) -> str:
        """What slows each other down, e.g. `https://erp.example:443`."""
        ...

    async def make(self, timeout_seconds: float) -> Outcome:
        """One attempt. What can go wrong is in the outcome."""
        ...


class CallAction(msgspec.Struct, frozen=True):
    """An action that calls somebody. `prepare` raises ActionRunnerError for what can never be sent."""

    type: str
    prepare: Callable[[Job, Surroundings], PreparedCall]


class CommandContent(msgspec.Struct, frozen=True):
    """The parameters of a command, and headers of its own."""

    parameters: Mapping[str, Any]
    headers: Headers = ()


class CommandAction(msgspec.Struct, frozen=True):
    """An action that the CRM carries out. `content` raises ActionRunnerError for what can never be sent."""

    type: str
    content: Callable[[Job, Surroundings], CommandContent]


def as_rendered(job: Job, _surroundings: Surroundings) -> CommandContent:
    """The content of a command whose parameters are the rendered ones."""
    return CommandContent(job.parameters)


Executor: TypeAlias = CallAction | CommandAction
