"""Mail templates."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from signalbox_runtime.http.auth import Editor, Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import documented
from workflow_api.domain.mail_templates import MailTemplate
from workflow_api.routes.access import Using
from workflow_api.texts import Body, Line, Name

router = APIRouter(tags=["email templates"])
NamePath = Annotated[Name, Path(description="The template's name")]


class EmailTemplateContent(BaseModel):
    """A mail in Liquid, like the parameters of send_email; text or html or both."""

    model_config = ConfigDict(extra="forbid")

    subject: Line
    text: Body | None = None
    html: Body | None = None


class EmailTemplateIn(EmailTemplateContent):
    """A new template."""

    name: Name = Field(description="What workflows name it by")


class EmailTemplateOut(BaseModel):
    """A template."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    subject: str
    text: str | None
    html: str | None
    updated_at: datetime
    updated_by: str


@router.get("/v1/email-templates", summary="Mail templates by name")
async def list_email_templates(
    caller: Viewer, using: Using, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[EmailTemplateOut]:
    place = decode_cursor(cursor, str)
    found = await using.email_templates.list(caller.tenant_id, place[0] if place else None, limit + 1)
    items = [EmailTemplateOut.model_validate(each) for each in found[:limit]]
    return Page(items=items, next=encode_cursor(items[-1].name) if len(found) > limit else None)


@router.post(
    "/v1/email-templates", status_code=201, summary="Make a mail template", responses=documented(409)
)
async def create_email_template(caller: Editor, using: Using, body: EmailTemplateIn) -> EmailTemplateOut:
    template = MailTemplate(body.name, body.subject, body.text, body.html)
    return EmailTemplateOut.model_validate(await using.email_templates.create(caller, template))


@router.get("/v1/email-templates/{name}", summary="A mail template", responses=documented(404))
async def read_email_template(caller: Viewer, using: Using, name: NamePath) -> EmailTemplateOut:
    return EmailTemplateOut.model_validate(await using.email_templates.read(caller.tenant_id, name))


@router.put(
    "/v1/email-templates/{name}",
    summary="Change a mail template; published versions keep their copy",
    responses=documented(404),
)
async def change_email_template(
    caller: Editor, using: Using, name: NamePath, body: EmailTemplateContent
) -> EmailTemplateOut:
    template = MailTemplate(name, body.subject, body.text, body.html)
    return EmailTemplateOut.model_validate(await using.email_templates.change(caller, template))


@router.delete(
    "/v1/email-templates/{name}",
    status_code=204,
    summary="Delete a mail template; published versions keep their copy",
    responses=documented(404),
)
async def delete_email_template(caller: Editor, using: Using, name: NamePath) -> Response:
    await using.email_templates.delete(caller, name)
    return Response(status_code=204)
