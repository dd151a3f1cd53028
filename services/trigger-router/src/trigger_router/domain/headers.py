"""What an event's headers alone tell: enough to let an event go that no workflow listens to."""

from collections.abc import Sequence
from typing import NamedTuple


class Announced(NamedTuple):
    """Tenant, event and id as the CloudEvents headers (`ce_*`) announce them."""

    tenant_id: str
    event: str
    event_id: str


def announced(module: str, headers: Sequence[tuple[str, bytes]]) -> Announced | None:
    """What the headers say of an event of `module`; None unless they say all of it."""
    tenant_id = event_type = event_id = None
    for name, value in headers:
        if name == "ce_tenantid":
            tenant_id = value
        elif name == "ce_type":
            event_type = value
        elif name == "ce_id":
            event_id = value
    prefix = f"crm.{module}.".encode()
    if not (tenant_id and event_id and event_type and event_type.startswith(prefix)):
        return None
    try:
        return Announced(tenant_id.decode(), event_type[len(prefix) :].decode(), event_id.decode())
    except UnicodeDecodeError:
        return None


def identity(tenant_id: str, event_id: str) -> bytes:
    """What a repeated event is recognised by."""
    return f"{tenant_id}/{event_id}".encode()
