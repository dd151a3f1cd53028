"""`signalbox conformance --crm`: does a CRM keep the contract? A line for each check."""

import secrets
import sys
from pathlib import Path

import click
import httpx
import msgspec

from signalbox_contracts import topics
from signalbox_embedded.cli.data import data_option
from signalbox_embedded.crm_conformance.bus import Bus
from signalbox_embedded.crm_conformance.checks import CHECKS, Examiner, Subject
from signalbox_embedded.endpoints import read_endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime.process.settings import kafka_options

MODULES = ("leads", "opportunities", "contacts", "accounts")
"""Those whose every change is an event."""


@click.command()
@click.option(
    "--crm", is_flag=True, required=True, help="Check the CRM (there is nothing else to check yet)."
)
@data_option
@click.option("--tenant", default="demo", show_default=True, help="Whose record is worked on.")
@click.option("--module", type=click.Choice(MODULES), default="leads", show_default=True)
@click.option("--record", help="Id of a record to work on; else the newest that published an event.")
@click.option("--field", default="description", show_default=True, help="A text field that may be changed.")
@click.option("--patience", default=20.0, show_default=True, help="Seconds to wait for an answer.")
def conformance(
    crm: bool, data: Path, tenant: str, module: str, record: str | None, field: str, patience: float
) -> None:
    """Send commands to a CRM, some of them twice, and check its answers and events; exit code 1 if one fails.

    It changes a record, creates a task and notifies a user, and workflows that are active hear of it: use a
    tenant for tests. Kafka is the one that SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS names, else the embedded one.
    """
    assert crm
    options = kafka_options()
    embedded = "bootstrap.servers" not in options
    if embedded:
        options["bootstrap.servers"] = read_endpoints(data.absolute() / "endpoints.json").kafka
    bus = Bus(options)
    try:
        examiner = Examiner(
            _subject(bus, data if embedded else None, tenant, module, record, field, patience)
        )
        print(f"Examining {tenant}/{module}/{examiner.subject.record_id}", flush=True)
        kept = True
        for check in CHECKS:
            finding = check(examiner)
            kept &= finding.in_order
            print(f"{'ok  ' if finding.in_order else 'FAIL'} {finding.what:<44} {finding.seen}", flush=True)
    finally:
        bus.close()
    if not kept:
        sys.exit(1)


def _subject(
    bus: Bus,
    data: Path | None,
    tenant: str,
    module: str,
    record: str | None,
    field: str,
    patience: float,
) -> Subject:
    catalog = bus.catalog(tenant)
    if not catalog:
        raise EmbeddedError(
            f"crm.catalog holds nothing of tenant {tenant}; a CRM publishes its modules and users there"
        )
    users = msgspec.json.decode(catalog.get("users", b"[]"), type=list[_User])
    described = msgspec.json.decode(catalog.get(module, b"{}"), type=_Module)
    if record is None and data is not None and module == "leads":
        record = _new_lead(data)
    return Subject(
        bus=bus,
        tenant_id=tenant,
        module=module,
        record_id=record or _newest_record(bus, tenant, module),
        field=field,
        users=[user.id for user in users],
        stages=described.stages,
        patience_seconds=patience,
        examination=secrets.token_hex(4),
    )


class _User(msgspec.Struct):
    id: str


class _Module(msgspec.Struct):
    stages: list[str] = []


def _new_lead(data: Path) -> str:
    """The embedded system's CRM is asked for a lead that nobody minds."""
    url = read_endpoints(data.absolute() / "endpoints.json").sample_crm
    try:
        answer = httpx.post(f"{url}/leads", json={"name": "Conformance"}, timeout=20)
    except httpx.TransportError as error:
        raise EmbeddedError(f"the sample CRM at {url} does not answer: {error}") from error
    return str(answer.raise_for_status().json()["id"])


def _newest_record(bus: Bus, tenant: str, module: str) -> str:
    event = bus.newest_event(tenant, module)
    if event is None:
        raise EmbeddedError(
            f"{topics.crm_topic(module)} holds no event of tenant {tenant}; "
            f"create one of the {module} in the CRM, or name a record with --record"
        )
    return event.record_id
