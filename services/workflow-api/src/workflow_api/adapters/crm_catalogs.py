"""What each tenant's CRM says of itself, kept from topic `crm.catalog`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import CrmCatalog
from signalbox_rules.errors import RulesError
from signalbox_rules.record_catalog import Catalog
from signalbox_runtime.records import Inbound

USERS = "users"
_log = structlog.get_logger("crm-catalog")


@dataclass(frozen=True, slots=True)
class _Published:
    """A tenant's documents, and the catalog that they make up."""

    modules: Mapping[str, bytes] = field(default_factory=dict)
    users: bytes | None = None
    catalog: Catalog = field(default_factory=Catalog)


class CrmCatalogs:
    """Catalogs by tenant. `apply` runs on the view's thread and replaces whole values; `of` on any."""

    def __init__(self) -> None:
        self._by_tenant: dict[str, _Published] = {}

    def of(self, tenant_id: str) -> Catalog | None:
        """The tenant's catalog; None if its CRM published nothing."""
        published = self._by_tenant.get(tenant_id)
        return None if published is None else published.catalog

    def apply(self, inbound: Inbound) -> None:
        """Takes in a record of the topic. One that can't be read is passed over: the CRM wrote it, not we."""
        tenant_id, _, kind = (inbound.key or b"").decode("utf-8", "replace").partition("/")
        before = self._by_tenant.get(tenant_id, _Published())
        try:
            content = None if inbound.value is None else codec.decode(inbound.value, CrmCatalog).content
            self._by_tenant[tenant_id] = _with(before, kind, content)
        except (UndecodableMessage, RulesError) as error:
            _log.warning("catalog entry not readable", place=inbound.place, reason=str(error))


def _with(before: _Published, kind: str, content: bytes | None) -> _Published:
    if kind == USERS:
        after = replace(before, users=content)
    else:
        modules = {name: document for name, document in before.modules.items() if name != kind}
        if content is not None:
            modules[kind] = content
        after = replace(before, modules=modules)
    return replace(after, catalog=Catalog.from_json(after.modules.values(), after.users))
