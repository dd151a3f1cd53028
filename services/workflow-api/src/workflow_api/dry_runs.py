"""Tests of a workflow: on a typed-in record, on an event that happened, and as a mail to oneself."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from signalbox_contracts.definitions.document import parse_definition
from signalbox_contracts.messages import CrmEvent
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import Problem, ProblemPlace, invalid
from signalbox_runtime.kafka.broker import Kafka
from workflow_api.adapters.crm_catalogs import CrmCatalogs
from workflow_api.adapters.event_search import EventSearch, EventWanted, NotFound
from workflow_api.domain.documents import unstorable_texts
from workflow_api.domain.dry_run import DryRun, Tested, dry_run
from workflow_api.domain.workflow import Workflow
from workflow_api.workflows import Workflows

TEST_EVENT_ID: Final = "test"
TEST_RECORD_ID: Final = "test"


@dataclass(frozen=True, slots=True)
class TypedRecord:
    """A record somebody typed in; `previous` is None where it was left out."""

    record: dict[str, Any]
    previous: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event that happened, by its id or as the last one of a record."""

    event_id: str | None
    record_id: str | None


Subject = TypedRecord | PastEvent
Form = Literal["draft"] | int


class DryRuns:
    """What the routes do to try workflows."""

    def __init__(self, workflows: Workflows, catalogs: CrmCatalogs, kafka: Kafka, clock: Clock) -> None:
        self._workflows = workflows
        self._catalogs = catalogs
        self._search = EventSearch(kafka)
        self._clock = clock

    async def run(self, caller: Principal, tested: Tested, subject: Subject) -> tuple[DryRun, CrmEvent]:
        """Tries a form of a workflow. Raises a 422 problem."""
        event = await self._event(caller, tested, subject)
        catalog = self._catalogs.of(caller.tenant_id)
        try:
            # On a thread of its own, which the interpreter interrupts: others are answered meanwhile.
            users = catalog.users if catalog is not None else {}
            return await asyncio.to_thread(dry_run, tested, event, users, time.thread_time), event
        except msgspec.DecodeError as error:
            raise invalid("unreadable-record", f"The event's record is not JSON: {error}.") from error

    async def tested(self, caller: Principal, workflow: Workflow, form: Form | None) -> Tested:
        """A form of a workflow: its draft, a version, or (None) the draft if there is one, else its version.

        Templates are copied in as a publish would do it. Raises 404 and 422 problems.
        """
        if form is None:
            form = "draft" if workflow.draft is not None else workflow.version
        if form == "draft":
            if workflow.draft is None:
                raise Problem(
                    404,
                    "no-draft",
                    "There is no draft",
                    f"Workflow {workflow.id} has no draft; test version {workflow.version} instead.",
                )
            document = await self._workflows.complete(caller, workflow.draft)
            return Tested(workflow.id, (workflow.version or 0) + 1, parse_definition(document))
        assert isinstance(form, int)
        version = await self._workflows.version(caller, workflow, form)
        return Tested(workflow.id, form, version.parsed())

    async def _event(self, caller: Principal, tested: Tested, subject: Subject) -> CrmEvent:
        match subject:
            case TypedRecord():
                return self._typed_event(caller, tested, subject)
            case PastEvent():
                return await self._past_event(caller, tested, subject)

    def _typed_event(self, caller: Principal, tested: Tested, typed: TypedRecord) -> CrmEvent:
        unstorable = unstorable_texts({"record": typed.record, "previous": typed.previous})
        if unstorable:
            places = [ProblemPlace(pointer=each.pointer, detail=each.detail) for each in unstorable]
            raise invalid("invalid-record", "The record has texts that can't be kept; see errors.", places)
        trigger = tested.definition.trigger
        record_id = typed.record.get("id")
        previous = None if typed.previous is None else msgspec.json.encode(typed.previous)
        if previous is None and trigger.event == "created":
            previous = b"null"
        return CrmEvent(
            tenant_id=caller.tenant_id,
            event_id=TEST_EVENT_ID,
            module=trigger.module,
            event=trigger.event,
            record_id=record_id if isinstance(record_id, str) else TEST_RECORD_ID,
            occurred_at_ms=self._clock.now_ms(),
            record=msgspec.json.encode(typed.record),
            previous=previous,
            actor=caller.actor,
            origin="ui",
        )

    async def _past_event(self, caller: Principal, tested: Tested, past: PastEvent) -> CrmEvent:
        module = tested.definition.trigger.module
        wanted = EventWanted(caller.tenant_id, module, past.event_id, past.record_id)
        found = await asyncio.to_thread(self._search.find, wanted)
        if not isinstance(found, NotFound):
            return found
        name = "event_id" if past.event_id is not None else "record_id"
        how_far = (
            f"none of the {found.searched:,} kept events of {module}"
            if found.complete
            else f"none of the newest {found.searched:,} events of {module}, which is as far as a test looks"
        )
        place = ProblemPlace(pointer=f"/{name}", detail=f"names {how_far}")
        raise invalid(
            "no-such-event", f"There is no such event: {how_far}. Type the record in instead.", [place]
        )
