"""The services of the embedded system: which there are, and the environment each is given.

The environment is the contract: the same names configure the images of `docker-compose.yml`.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.supervisor import STOP_TIMEOUT_SECONDS

FIRST_TENANT = "demo"
CONSOLE = Path(__file__).parents[4] / "console" / "dist"
"""Where `make setup` builds the console, in a checkout."""
WORKERS_MAX = 16
CALLS_END_SECONDS = 20.0
"""More than an action has (15 s unless its workflow says otherwise): a killed runner repeats its calls."""


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """A service: its name, whether it serves HTTP, and whether there may be more than one process of it.

    A process that has not ended `stop_timeout_seconds` after it was asked to is killed.
    """

    name: str
    serves_http: bool = False
    scalable: bool = True
    stop_timeout_seconds: float = STOP_TIMEOUT_SECONDS

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return self.name.replace("-", "_")

    @property
    def prefix(self) -> str:
        """What its own settings begin with."""
        return f"{self.module.upper()}_"


RUN_LEDGER = ServiceKind("run-ledger", serves_http=True)
WORKFLOW_API = ServiceKind("workflow-api", serves_http=True)
SAMPLE_CRM = ServiceKind("sample-crm", serves_http=True, scalable=False)
SERVICE_KINDS: tuple[ServiceKind, ...] = (
    RUN_LEDGER,
    WORKFLOW_API,
    ServiceKind("trigger-router"),
    ServiceKind("condition-evaluator"),
    ServiceKind("action-runner", stop_timeout_seconds=CALLS_END_SECONDS),
    ServiceKind("delay-relay"),
    SAMPLE_CRM,
)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of a service, and the ports it gets; `http_port` is 0 where it serves none."""

    kind: ServiceKind
    slot: int
    metrics_port: int
    http_port: int

    @property
    def program(self) -> tuple[str, ...]:
        return (sys.executable, "-m", self.kind.module)

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    @property
    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.metrics_port}/readyz"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every worker has to know of the rest of the system. Files are paths as text."""

    kafka: str
    database_url: str
    secrets_key_file: str
    api_key_file: str
    smtp_port: int
    ledger_url: str
    log_level: str = "info"


def parse_workers(given: tuple[str, ...]) -> dict[str, int]:
    """`service=n` words as counts.

    Raises: EmbeddedError for an unknown service, and for a count that is no number or out of range.
    """
    kinds = {kind.name: kind for kind in SERVICE_KINDS}
    counts: dict[str, int] = {}
    for word in given:
        name, _, number = word.partition("=")
        kind = kinds.get(name)
        if kind is None:
            raise EmbeddedError(
                f"--workers {word}: there is no service {name!r}; there are {', '.join(kinds)}"
            )
        if not number.isdecimal() or not 1 <= int(number) <= WORKERS_MAX:
            raise EmbeddedError(f"--workers {word}: write {name}=n with n from 1 to {WORKERS_MAX}")
        if int(number) > 1 and not kind.scalable:
            raise EmbeddedError(f"--workers {word}: there can be only one {name}")
        counts[name] = int(number)
    return counts


def ports_needed(counts: Mapping[str, int]) -> int:
    """How many ports `plan_workers` takes."""
    return sum((2 if kind.serves_http else 1) * counts.get(kind.name, 1) for kind in SERVICE_KINDS)


def plan_workers(
    counts: Mapping[str, int], ports: tuple[int, ...], api_port: int | None
) -> tuple[Worker, ...]:
    """Every worker with its ports; `api_port`, if given, is the first workflow-api's."""
    left = iter(ports)
    workers = [
        Worker(kind, slot, metrics_port=next(left), http_port=next(left) if kind.serves_http else 0)
        for kind in SERVICE_KINDS
        for slot in range(counts.get(kind.name, 1))
    ]
    return tuple(
        Worker(worker.kind, worker.slot, worker.metrics_port, api_port)
        if api_port is not None and worker.kind == WORKFLOW_API and worker.slot == 0
        else worker
        for worker in workers
    )


def environment(worker: Worker, surroundings: Surroundings) -> dict[str, str]:
    """What a worker's process is given on top of our own environment."""
    prefix = worker.kind.prefix
    smtp = {f"{prefix}SMTP_HOST": "127.0.0.1", f"{prefix}SMTP_PORT": str(surroundings.smtp_port)}
    own = {
        "action-runner": smtp,
        "workflow-api": {
            **smtp,
            f"{prefix}LEDGER_URL": surroundings.ledger_url,
            f"{prefix}CONSOLE_DIR": os.environ.get(f"{prefix}CONSOLE_DIR", str(CONSOLE)),
            f"{prefix}FIRST_TENANT": FIRST_TENANT,
            f"{prefix}FIRST_KEY_FILE": surroundings.api_key_file,
        },
    }
    return {
        "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": surroundings.kafka,
        "SIGNALBOX_DATABASE_URL": surroundings.database_url,
        "SIGNALBOX_SECRETS_KEY_FILE": surroundings.secrets_key_file,
        "SIGNALBOX_LOG_LEVEL": surroundings.log_level,
        f"{prefix}SLOT": str(worker.slot),
        f"{prefix}STATIC_MEMBERSHIP": "true",  # the supervisor restarts a slot at once
        f"{prefix}METRICS_PORT": str(worker.metrics_port),
        **({f"{prefix}HTTP_PORT": str(worker.http_port)} if worker.kind.serves_http else {}),
        **own.get(worker.kind.name, {}),
    }
