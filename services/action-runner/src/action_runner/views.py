"""What the runner knows beside its tokens: the CRM's users, secrets, and canceled runs.

Filled on a thread of its own and read on another: values are replaced, never changed in place.
"""

from collections.abc import Callable, Mapping

import structlog

from action_runner.errors import MissingSecret
from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import CrmCatalog, SecretEnvelope
from signalbox_rules.errors import RulesError
from signalbox_rules.record_catalog import User, users_from_json
from signalbox_runtime.loops.internal import read
from signalbox_runtime.records import Inbound
from signalbox_runtime.secrets import SecretUnreadable

USERS = "users"
_NOBODY: Mapping[str, User] = {}
log = structlog.get_logger()


class Users:
    """Users of each tenant's CRM by id, from `crm.catalog`."""

    def __init__(self) -> None:
        self._by_tenant: dict[str, Mapping[str, User]] = {}

    def apply(self, inbound: Inbound) -> None:
        """Takes one record in. What can't be read is left out with a warning: the CRM writes it, not we."""
        tenant_id, _, kind = (inbound.key or b"").decode("utf-8", errors="replace").partition("/")
        if kind != USERS:
            return
        if inbound.value is None:
            self._by_tenant.pop(tenant_id, None)
            return
        try:
            users = users_from_json(codec.decode(inbound.value, CrmCatalog).content)
        except (UndecodableMessage, RulesError) as error:
            log.warning("users not taken over", place=inbound.place, reason=str(error))
            return
        self._by_tenant[tenant_id] = {user.id: user for user in users}

    def of(self, tenant_id: str) -> Mapping[str, User]:
        """The tenant's users by id; empty if its CRM published none."""
        return self._by_tenant.get(tenant_id, _NOBODY)


OpenEnvelope = Callable[[SecretEnvelope], tuple[str, ...]]
"""An envelope → the secret's values, the newest first. Raises MissingSecret or SecretUnreadable."""


def without_key(envelope: SecretEnvelope) -> tuple[str, ...]:
    """Opens nothing: the process was given no key."""
    raise MissingSecret(
        f"The secret {envelope.name!r} can't be opened: this process has no SIGNALBOX_SECRETS_KEY_FILE."
    )


class Secrets:
    """Secrets of each tenant by name, from `workflows.secrets`; kept encrypted, opened when used."""

    def __init__(self, open_envelope: OpenEnvelope) -> None:
        self._open_envelope = open_envelope
        self._envelopes: dict[tuple[str, str], SecretEnvelope] = {}

    def apply(self, inbound: Inbound) -> None:
        """Takes one record in."""
        tenant_id, _, name = (inbound.key or b"").decode("utf-8", errors="replace").partition("/")
        if inbound.value is None:
            self._envelopes.pop((tenant_id, name), None)
        else:
            self._envelopes[tenant_id, name] = read(inbound, SecretEnvelope)

    def has(self, tenant_id: str, name: str) -> bool:
        """Whether the tenant keeps a secret of that name."""
        return (tenant_id, name) in self._envelopes

    def values(self, tenant_id: str, name: str) -> tuple[str, ...]:
        """The secret's values, the newest first; two while it is being rotated. Raises MissingSecret."""
        envelope = self._envelopes.get((tenant_id, name))
        if envelope is None:
            raise MissingSecret(f"There is no secret named {name!r}; add it, then retry the run.")
        try:
            return self._open_envelope(envelope)
        except SecretUnreadable as error:
            raise MissingSecret(str(error)) from error
