"""Export, and import as plan or apply: everything is checked first, then each workflow is brought along."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_contracts.definitions.problems import located_details
from signalbox_rules.record_catalog import Catalog
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import Problem, ProblemPlace, invalid
from workflow_api.adapters.crm_catalogs import CrmCatalogs
from workflow_api.adapters.tables import email_templates, versions, workflows
from workflow_api.adapters.workflow_rows import from_row
from workflow_api.checking import check_document
from workflow_api.domain.action_identity import keep_action_ids
from workflow_api.domain.documents import unstorable_texts
from workflow_api.domain.files import (
    WORKFLOWS_MAX,
    Entry,
    FileStatus,
    Known,
    Planned,
    PlannedTemplate,
    export,
    plan_template,
    plan_workflow,
)
from workflow_api.domain.mail_templates import MailTemplate, missing_templates
from workflow_api.email_templates import EmailTemplates, check_template
from workflow_api.texts import Body, Line, Name
from workflow_api.workflows import Workflows

PROBLEMS_MAX: Final = 100
"""Shown at once; nobody reads more."""
ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


class _TemplateFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    subject: Line
    text: Body | None = None
    html: Body | None = None


class _WorkflowHead(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str | None = Field(default=None, pattern=ID_PATTERN)
    status: FileStatus | None = None


class _Import(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: int = Field(default=1, ge=1, le=1)
    email_templates: list[_TemplateFile] = Field(default_factory=list, max_length=1_000)
    workflows: list[_WorkflowHead] = Field(default_factory=list, max_length=WORKFLOWS_MAX)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import changes."""

    workflows: tuple[Planned, ...]
    templates: tuple[PlannedTemplate, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan that was carried out; `effective` is false if Kafka has not confirmed all of it yet."""

    plan: Plan
    ids: tuple[str, ...]
    effective: bool


class Imports:
    """What the routes do with files."""

    def __init__(
        self, engine: AsyncEngine, flows: Workflows, templates: EmailTemplates, catalogs: CrmCatalogs
    ) -> None:
        self._engine = engine
        self._flows = flows
        self._templates = templates
        self._catalogs = catalogs

    async def export(self, tenant_id: str) -> str:
        """All workflows but the archived, and all mail templates, as YAML."""
        known, templates = await self._known(tenant_id), await self._known_templates(tenant_id)
        present = [each for each in known if each.workflow.status != "archived"]
        return await asyncio.to_thread(export, present, list(templates.values()))

    async def plan(self, caller: Principal, body: Any) -> Plan:
        """What `body` would change. Raises a 422 problem that names every place."""
        known = await self._known(caller.tenant_id)
        templates = await self._known_templates(caller.tenant_id)
        catalog = self._catalogs.of(caller.tenant_id)
        return await asyncio.to_thread(plan_import, body, known, templates, catalog)

    async def apply(self, caller: Principal, body: Any) -> Applied:
        """Carries the plan out. It is idempotent: cut short, it is sent again and does the rest."""
        plan = await self.plan(caller, body)
        for planned in plan.templates:
            if planned.action == "create":
                await self._templates.create(caller, planned.template)
            elif planned.action == "change":
                await self._templates.change(caller, planned.template)
        ids: list[str] = []
        effective = True
        for workflow in plan.workflows:
            workflow_id, done = await self._bring_along(caller, workflow)
            ids.append(workflow_id)
            effective = effective and done
        return Applied(plan, tuple(ids), effective)

    async def _bring_along(self, caller: Principal, planned: Planned) -> tuple[str, bool]:
        workflow_id, effective = planned.id, True
        for step in planned.steps:
            match step:
                case "create":
                    workflow_id = (await self._flows.create(caller, planned.document, planned.id)).id
                case "change-draft":
                    assert workflow_id is not None
                    await self._flows.change(caller, workflow_id, planned.document, "*")
                case "publish":
                    assert workflow_id is not None
                    effective = (await self._flows.publish(caller, workflow_id, "imported", None)).effective
                case "activate":
                    assert workflow_id is not None
                    effective = (await self._flows.activate(caller, workflow_id)).effective
                case "pause":
                    assert workflow_id is not None
                    paused = await self._flows.pause(caller, workflow_id, cancel_runs=False)
                    effective = paused.effective
        assert workflow_id is not None, "a plan without an id begins with create"
        return workflow_id, effective

    async def _known(self, tenant_id: str) -> list[Known]:
        of_version = and_(
            versions.c.tenant_id == workflows.c.tenant_id,
            versions.c.workflow_id == workflows.c.id,
            versions.c.version == workflows.c.version,
        )
        query = (
            select(workflows, versions.c.document.label("published"))
            .select_from(workflows.outerjoin(versions, of_version))
            .where(workflows.c.tenant_id == tenant_id)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            Known(from_row({name: row[name] for name in row if name != "published"}), row["published"])
            for row in rows
        ]

    async def _known_templates(self, tenant_id: str) -> dict[str, MailTemplate]:
        columns = email_templates.c
        query = select(columns.name, columns.subject, columns.text, columns.html)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.where(columns.tenant_id == tenant_id))).all()
        return {row.name: MailTemplate(row.name, row.subject, row.text, row.html) for row in rows}


def plan_import(
    body: Any, known: Sequence[Known], templates: Mapping[str, MailTemplate], catalog: Catalog | None
) -> Plan:
    """What `body` would change. Raises a 422 problem that names every place.

    What is not published now may be ahead of the CRM and of the mail templates, as it may over the API; or
    behind them, where it was published long ago.
    """
    asked = _read(body)
    wanted = [MailTemplate(each.name, each.subject, each.text, each.html) for each in asked.email_templates]
    places: list[ProblemPlace] = []
    for index, template in enumerate(wanted):
        _collect(places, partial(check_template, template, f"/email_templates/{index}"))
    there = {**templates, **{template.name: template for template in wanted}}
    finder = _Finder(known)
    planned: list[Planned] = []
    for index, head in enumerate(asked.workflows):
        place = f"/workflows/{index}"
        document = {
            key: value for key, value in body["workflows"][index].items() if key not in ("id", "status")
        }
        found = finder.find(head, str(document.get("name")), place, places)
        checked = _collect(places, partial(_checked, document, found, place))
        if checked is None:
            continue
        entry = plan_workflow(Entry(place, head.id, head.status, checked), found)
        if "publish" in entry.steps:
            missing = missing_templates(checked, there)
            places += [ProblemPlace(pointer=place + each.pointer, detail=each.detail) for each in missing]
            _collect(places, partial(check_document, checked, catalog, place))
        planned.append(entry)
    if places:
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        raise invalid(
            "invalid-import",
            f"Not a usable import: {places[0].pointer} {places[0].detail}{more}. Nothing changed.",
            places[:PROBLEMS_MAX],
        )
    return Plan(tuple(planned), tuple(plan_template(each, templates.get(each.name)) for each in wanted))


class _Finder:
    """Which workflow an entry stands for; each may be named once."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._by_id = {each.workflow.id: each for each in known}
        self._by_name: dict[str, list[Known]] = defaultdict(list)
        for each in known:
            if each.workflow.status != "archived":
                self._by_name[each.workflow.name].append(each)
        self._taken: dict[str, str] = {}

    def find(self, head: _WorkflowHead, name: str, place: str, places: list[ProblemPlace]) -> Known | None:
        """The workflow, None for a new one; adds to `places` what stands in the way."""
        if head.id is not None:
            found = self._by_id.get(head.id)
            self._take(f"id {head.id}", f"{place}/id", places)
            if found is not None and found.workflow.status == "archived":
                places.append(
                    ProblemPlace(
                        pointer=f"{place}/id", detail="is archived; leave the id out to make a new one"
                    )
                )
            return found
        named = self._by_name.get(name, [])
        self._take(f"name {name}", f"{place}/name", places)
        if len(named) > 1:
            ids = ", ".join(each.workflow.id for each in named[:5])
            places.append(
                ProblemPlace(
                    pointer=f"{place}/name", detail=f"names {len(named)} workflows; add the id: {ids}"
                )
            )
        if len(named) == 1:
            self._take(f"id {named[0].workflow.id}", f"{place}/name", places)
            return named[0]
        return None

    def _take(self, what: str, pointer: str, places: list[ProblemPlace]) -> None:
        earlier = self._taken.setdefault(what, pointer)
        if earlier != pointer:
            places.append(ProblemPlace(pointer=pointer, detail=f"stands for the same workflow as {earlier}"))


def _checked(document: Any, found: Known | None, place: str) -> dict[str, Any]:
    forms = [] if found is None else [form for form in (found.published, found.workflow.draft) if form]
    return check_document(keep_action_ids(document, forms), None, place).document


def _read(body: Any) -> _Import:
    if isinstance(body, dict) and "trigger" in body:
        raise invalid(
            "invalid-import",
            "This is a workflow; an import is {workflows: [it]}. For a single one, POST /v1/workflows.",
            [ProblemPlace(pointer="", detail="must be an import, as GET /v1/export makes it")],
        )
    unstorable = unstorable_texts(body)
    if unstorable:
        raise invalid(
            "invalid-import", "A text can't be kept.", [_placed(each) for each in unstorable[:PROBLEMS_MAX]]
        )
    try:
        return _Import.model_validate(body)
    except ValidationError as error:
        places = [ProblemPlace(pointer=pointer, detail=detail) for pointer, detail in located_details(error)]
        raise invalid(
            "invalid-import",
            f"This is no import: {places[0].pointer or 'the document'} {places[0].detail}.",
            places[:PROBLEMS_MAX],
        ) from error


def _placed(problem: Any) -> ProblemPlace:
    return ProblemPlace(pointer=problem.pointer, detail=problem.detail)


def _collect(places: list[ProblemPlace], check: Any) -> Any:
    """What `check` returns; None if it raises a problem, whose places are added to `places`."""
    try:
        return check()
    except Problem as problem:
        places.extend(problem.errors)
        return None
