"""Mail templates: named mails that workflows copy when they are published."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from signalbox_rules.errors import RefusedTemplate
from signalbox_rules.templates import compile_template
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import ProblemPlace, conflict, invalid, not_found
from workflow_api.adapters.audit_notes import note_change
from workflow_api.adapters.tables import email_templates
from workflow_api.domain.mail_templates import MailTemplate
from workflow_api.domain.workflow import Change
from workflow_api.moments import change_by

_COLUMNS = email_templates.c


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A template as stored."""

    name: str
    subject: str
    text: str | None
    html: str | None
    revision: int
    updated_at: datetime
    updated_by: str


class EmailTemplates:
    """What the routes do with mail templates."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def list(self, tenant_id: str, after: str | None, limit: int) -> Sequence[StoredTemplate]:
        """Templates by name, those after `after`."""
        query = _selected().where(_COLUMNS.tenant_id == tenant_id).order_by(_COLUMNS.name).limit(limit)
        if after is not None:
            query = query.where(_COLUMNS.name > after)
        async with self._engine.connect() as connection:
            return [StoredTemplate(**row) for row in (await connection.execute(query)).mappings()]

    async def read(self, tenant_id: str, name: str) -> StoredTemplate:
        """A template. Raises a 404 problem."""
        async with self._engine.connect() as connection:
            return await _find(connection, tenant_id, name)

    async def create(self, caller: Principal, template: MailTemplate) -> StoredTemplate:
        """A new template. Raises a 409 or 422 problem."""
        check_template(template)
        change = change_by(caller, self._clock)
        stored = _stored(template, 1, change)
        try:
            async with self._engine.begin() as connection:
                await connection.execute(
                    insert(email_templates).values(tenant_id=caller.tenant_id, **asdict(stored))
                )
                await note_change(
                    connection,
                    caller.tenant_id,
                    change,
                    "email-template.create",
                    template.name,
                    None,
                    asdict(template),
                )
        except IntegrityError as error:
            raise conflict(
                "name-taken", f"There is an email template {template.name!r} already; change it with PUT."
            ) from error
        return stored

    async def change(self, caller: Principal, template: MailTemplate) -> StoredTemplate:
        """Puts `template` in the place of the one of its name; published versions keep what they copied."""
        check_template(template)
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            before = await _find(connection, caller.tenant_id, template.name, lock=True)
            stored = _stored(template, before.revision + 1, change)
            await connection.execute(
                update(email_templates)
                .where(_COLUMNS.tenant_id == caller.tenant_id, _COLUMNS.name == template.name)
                .values(**asdict(stored))
            )
            await note_change(
                connection,
                caller.tenant_id,
                change,
                "email-template.change",
                template.name,
                _content(before),
                asdict(template),
            )
        return stored

    async def delete(self, caller: Principal, name: str) -> None:
        """Removes a template; published versions keep what they copied."""
        async with self._engine.begin() as connection:
            before = await _find(connection, caller.tenant_id, name, lock=True)
            await connection.execute(
                delete(email_templates).where(_COLUMNS.tenant_id == caller.tenant_id, _COLUMNS.name == name)
            )
            change = change_by(caller, self._clock)
            await note_change(
                connection, caller.tenant_id, change, "email-template.delete", name, _content(before), None
            )


def check_template(template: MailTemplate, prefix: str = "") -> None:
    """Raises a 422 problem for a template without content, or whose Liquid can't be used."""
    if template.text is None and template.html is None:
        place = ProblemPlace(pointer=f"{prefix}/text", detail="is missing; a mail needs text or html")
        raise invalid("invalid-template", "An email template needs text or html or both.", [place])
    places = []
    for field, channel in _CHANNELS:
        source = getattr(template, field)
        try:
            if source is not None:
                compile_template(source, channel)
        except RefusedTemplate as error:
            places.append(ProblemPlace(pointer=f"{prefix}/{field}", detail=str(error)))
    if places:
        raise invalid("invalid-template", f"Not a usable template: {places[0].detail}", places)


_CHANNELS: tuple[tuple[str, Literal["header", "text", "html"]], ...] = (
    ("subject", "header"),
    ("text", "text"),
    ("html", "html"),
)


def _selected() -> Any:
    columns = _COLUMNS
    return select(
        columns.name,
        columns.subject,
        columns.text,
        columns.html,
        columns.revision,
        columns.updated_at,
        columns.updated_by,
    )


async def _find(
    connection: AsyncConnection, tenant_id: str, name: str, *, lock: bool = False
) -> StoredTemplate:
    query = _selected().where(_COLUMNS.tenant_id == tenant_id, _COLUMNS.name == name)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    if row is None:
        raise not_found("email template", name)
    return StoredTemplate(**row)


def _stored(template: MailTemplate, revision: int, change: Change) -> StoredTemplate:
    return StoredTemplate(**asdict(template), revision=revision, updated_at=change.at, updated_by=change.by)


def _content(stored: StoredTemplate) -> dict[str, Any]:
    return {"name": stored.name, "subject": stored.subject, "text": stored.text, "html": stored.html}
