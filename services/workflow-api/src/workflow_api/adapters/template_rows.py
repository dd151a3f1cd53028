"""Mail templates in PostgreSQL."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from workflow_api.adapters.tables import email_templates
from workflow_api.domain.mail_templates import MailTemplate


async def find_named(
    connection: AsyncConnection, tenant_id: str, names: Collection[str]
) -> dict[str, MailTemplate]:
    """Those of the named templates that exist, by name."""
    if not names:
        return {}
    columns = email_templates.c
    query = select(columns.name, columns.subject, columns.text, columns.html).where(
        columns.tenant_id == tenant_id, columns.name.in_(names)
    )
    rows = (await connection.execute(query)).all()
    return {row.name: MailTemplate(row.name, row.subject, row.text, row.html) for row in rows}
