"""The services that own schemas."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import run_ledger
import sample_crm
import workflow_api


@dataclass(frozen=True, slots=True)
class ServiceWithTables:
    """A service's package, and the schemas its migrations make."""

    package: ModuleType
    schemas: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.package.__name__

    @property
    def migrations(self) -> Path:
        return Path(self.package.__path__[0]) / "migrations"


SERVICES = (
    ServiceWithTables(run_ledger, ("history", "ledger")),
    ServiceWithTables(workflow_api, ("workflows", "access")),
    ServiceWithTables(sample_crm, ("sample_crm",)),
)
