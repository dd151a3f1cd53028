"""Steps of a workflow's life, each one database transaction: the row, its audit entry, its announcement."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from signalbox_contracts.definitions.document import Problem, parse_definition, to_bytes
from signalbox_runtime import fault
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import conflict, not_found
from signalbox_runtime.outbox.tables import OutboxTables
from signalbox_runtime.records import Outbound
from workflow_api.adapters import template_rows, workflow_rows
from workflow_api.adapters.audit_notes import note_change
from workflow_api.adapters.crm_catalogs import CrmCatalogs
from workflow_api.adapters.reading import reading
from workflow_api.checking import check_document, check_sketch, invalid_workflow, is_unfinished
from workflow_api.domain import workflow as life
from workflow_api.domain.action_identity import keep_action_ids
from workflow_api.domain.announcements import cancel_runs_record, state_record, version_record
from workflow_api.domain.mail_templates import missing_templates, named_templates, with_templates_copied
from workflow_api.domain.workflow import Change, Changed, Document, Refused, Unchanged, Workflow
from workflow_api.etags import check_if_match
from workflow_api.moments import change_by

IsEffective = Callable[[int], Awaitable[bool]]
"""Whether an outbox row is committed on Kafka; the answer may wait for that for a while."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A workflow after a step that the event's path is told of, and whether it has been."""

    workflow: Workflow
    effective: bool


Step = Callable[[Workflow, Change], Changed | Unchanged | Refused]


class Workflows:
    """What the routes do with workflows."""

    def __init__(
        self,
        engine: AsyncEngine,
        outbox: OutboxTables,
        is_effective: IsEffective,
        catalogs: CrmCatalogs,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._engine = engine
        self._outbox = outbox
        self._is_effective = is_effective
        self._catalogs = catalogs
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Principal, body: Any, workflow_id: str | None = None) -> Workflow:
        """A new workflow with `body` as its draft. Raises a 422 problem.

        It may be a beginning, without trigger or actions. What there is has to be right, but may be ahead of
        the CRM: its catalog is asked when it is published.
        """
        checked = check_sketch(body, None) if is_unfinished(body) else check_document(body, None)
        return await self._create(caller, checked.document, "workflow.create", workflow_id)

    async def duplicate(self, caller: Principal, workflow_id: str) -> Workflow:
        """A new workflow, paused, with the draft of another, else its newest version."""
        original = await self.read(caller, workflow_id)
        document = original.draft or (await self.version(caller, original, original.version or 0)).document
        name = f"Copy of {document['name']}"[:200]
        return await self._create(caller, {**document, "name": name}, "workflow.duplicate")

    async def read(self, caller: Principal, workflow_id: str) -> Workflow:
        """The workflow. Raises a 404 problem."""
        async with reading(self._engine) as connection:
            return _found(await workflow_rows.find(connection, caller.tenant_id, workflow_id), workflow_id)

    async def version(self, caller: Principal, workflow: Workflow, number: int) -> workflow_rows.Version:
        """A version of the workflow. Raises a 404 problem."""
        async with reading(self._engine) as connection:
            version = await workflow_rows.find_version(connection, caller.tenant_id, workflow.id, number)
        if version is None:
            raise not_found(f"version of workflow {workflow.id}", str(number))
        return version

    async def versions(
        self, caller: Principal, workflow: Workflow, before: int | None, limit: int
    ) -> list[workflow_rows.Version]:
        """Versions below `before`, newest first."""
        async with reading(self._engine) as connection:
            return await workflow_rows.list_versions(connection, caller.tenant_id, workflow.id, before, limit)

    async def complete(self, caller: Principal, document: Document) -> dict[str, Any]:
        """The document as a publish would send it. Raises a 422 problem when a mail template is missing."""
        if not named_templates(document):
            return dict(document)
        async with reading(self._engine) as connection:
            return await _completed(connection, caller.tenant_id, document)

    async def change(self, caller: Principal, workflow_id: str, body: Any, if_match: str | None) -> Workflow:
        """Puts `body` in the draft's place, if nobody else changed it since `if_match`."""
        workflow = await self.read(caller, workflow_id)
        forms = [] if workflow.draft is None else [workflow.draft]
        if workflow.version is not None:
            forms.append((await self.version(caller, workflow, workflow.version)).document)
        kept = keep_action_ids(body, forms)
        document = check_document(kept, None).document
        return await self._change(caller, workflow_id, document, if_match, "workflow.change")

    async def keep_draft(
        self, caller: Principal, workflow_id: str, body: Any, if_match: str | None
    ) -> tuple[Workflow, list[Problem]]:
        """Keeps `body` as far as it is written; what is to be done before a publish comes with it."""
        sketch = check_sketch(body, self._catalogs.of(caller.tenant_id))
        workflow = await self._change(caller, workflow_id, sketch.document, if_match, "workflow.change")
        return workflow, sketch.problems

    async def discard_draft(self, caller: Principal, workflow_id: str, if_match: str | None) -> Workflow:
        """Back to the version that judges events."""
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            workflow = _found(
                await workflow_rows.find(connection, caller.tenant_id, workflow_id, lock=True), workflow_id
            )
            check_if_match(workflow, if_match or "*", workflow.draft, None)
            match life.discard_draft(workflow, change):
                case Refused(slug, detail):
                    raise conflict(slug, detail)
                case Unchanged():
                    return workflow
                case Changed(changed):
                    await workflow_rows.save(connection, changed)
                    await note_change(
                        connection,
                        workflow.tenant_id,
                        change,
                        "workflow.discard-draft",
                        workflow.id,
                        workflow.draft,
                        None,
                    )
                    return changed

    async def restore(
        self, caller: Principal, workflow_id: str, number: int, if_match: str | None
    ) -> Workflow:
        """Copies a version into the draft."""
        workflow = await self.read(caller, workflow_id)
        version = await self.version(caller, workflow, number)
        return await self._change(
            caller, workflow_id, version.document, if_match or "*", f"workflow.restore-{number}"
        )

    async def publish(
        self, caller: Principal, workflow_id: str, note: str | None, if_match: str | None
    ) -> Announced:
        """The draft becomes the next version."""
        return await self._announce(caller, workflow_id, life.publish, "workflow.publish", note, if_match)

    async def activate(self, caller: Principal, workflow_id: str) -> Announced:
        """Events are judged by it from now on."""
        return await self._announce(caller, workflow_id, life.activate, "workflow.activate")

    async def pause(self, caller: Principal, workflow_id: str, *, cancel_runs: bool) -> Announced:
        """No event is judged by it from now on; `cancel_runs` ends those in flight too."""
        return await self._announce(
            caller, workflow_id, life.pause, "workflow.pause", cancel_runs=cancel_runs
        )

    async def archive(self, caller: Principal, workflow_id: str) -> Announced:
        """Puts it away."""
        return await self._announce(caller, workflow_id, life.archive, "workflow.archive")

    async def _create(
        self, caller: Principal, document: Document, action: str, workflow_id: str | None = None
    ) -> Workflow:
        change = change_by(caller, self._clock)
        workflow = life.create(caller.tenant_id, workflow_id or self._new_id(), document, change)
        async with self._engine.begin() as connection:
            await workflow_rows.add(connection, workflow)
            await note_change(connection, workflow.tenant_id, change, action, workflow.id, None, document)
        return workflow

    async def _change(
        self, caller: Principal, workflow_id: str, document: Document, if_match: str | None, action: str
    ) -> Workflow:
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            workflow = _found(
                await workflow_rows.find(connection, caller.tenant_id, workflow_id, lock=True), workflow_id
            )
            live = await _published_document(connection, workflow)
            check_if_match(workflow, if_match, live if workflow.draft is None else workflow.draft, document)
            match life.change_draft(workflow, document, change, live):
                case Refused(slug, detail):
                    raise conflict(slug, detail)
                case Changed(changed):
                    await workflow_rows.save(connection, changed)
                    await note_change(
                        connection, workflow.tenant_id, change, action, workflow.id, workflow.draft, document
                    )
                    return changed

    async def _announce(
        self,
        caller: Principal,
        workflow_id: str,
        step: Step,
        action: str,
        note: str | None = None,
        if_match: str | None = None,
        *,
        cancel_runs: bool = False,
    ) -> Announced:
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            workflow = _found(
                await workflow_rows.find(connection, caller.tenant_id, workflow_id, lock=True), workflow_id
            )
            if if_match is not None:
                check_if_match(workflow, if_match, workflow.draft, None)
            records: list[Outbound] = []
            match step(workflow, change):
                case Refused(slug, detail):
                    raise conflict(slug, detail)
                case Unchanged():
                    changed = workflow
                case Changed(changed, published):
                    if published is not None:
                        records.append(await self._add_version(connection, changed, published, note, change))
                    if changed.version is not None:
                        records.append(state_record(changed, change))
                    await note_change(
                        connection,
                        workflow.tenant_id,
                        change,
                        action,
                        workflow.id,
                        _summary(workflow),
                        _summary(changed, note),
                    )
                case never:
                    assert_never(never)
            if cancel_runs:
                records.append(cancel_runs_record(changed, change))
                await note_change(connection, workflow.tenant_id, change, "workflow.cancel-runs", workflow.id)
            if records:
                row_id = await self._outbox.insert_rows(connection, records)
                changed = replace(changed, last_row_id=row_id)
            if changed != workflow:
                await workflow_rows.save(connection, changed)
        fault.at("api.after_database_commit")
        return Announced(changed, await self._is_effective(changed.last_row_id))

    async def _add_version(
        self,
        connection: AsyncConnection,
        workflow: Workflow,
        document: Document,
        note: str | None,
        change: Change,
    ) -> Outbound:
        check_document(document, self._catalogs.of(workflow.tenant_id))
        completed = await _completed(connection, workflow.tenant_id, document)
        definition = to_bytes(parse_definition(completed))
        await workflow_rows.add_version(connection, workflow, document, definition, note, change)
        return version_record(workflow, definition, note, change)


async def _completed(connection: AsyncConnection, tenant_id: str, document: Document) -> dict[str, Any]:
    """The document with its mail templates copied in. Raises a 422 problem for one that is not there."""
    templates = await template_rows.find_named(connection, tenant_id, named_templates(document))
    missing = missing_templates(document, templates)
    if missing:
        raise invalid_workflow(missing)
    return with_templates_copied(document, templates)


async def _published_document(connection: AsyncConnection, workflow: Workflow) -> Document | None:
    if workflow.version is None:
        return None
    found = await workflow_rows.find_version(connection, workflow.tenant_id, workflow.id, workflow.version)
    return None if found is None else found.document


def _found(workflow: Workflow | None, workflow_id: str) -> Workflow:
    if workflow is None:
        raise not_found("workflow", workflow_id)
    return workflow


def _summary(workflow: Workflow, note: str | None = None) -> dict[str, Any]:
    summary: dict[str, Any] = {"status": workflow.status, "version": workflow.version}
    return summary if note is None else {**summary, "note": note}
