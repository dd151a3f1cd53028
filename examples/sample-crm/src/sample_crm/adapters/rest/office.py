"""The calls around the records: users, inboxes, pipelines, and the switch that makes the CRM misbehave."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from sample_crm.adapters.rest.calls import TheCrm, unit_of
from sample_crm.adapters.tables import BEHAVIOUR, HELD_ANSWERS, NOTIFICATIONS, PIPELINES, RECORDS, USERS
from sample_crm.adapters.unit import Crm, Unit, read_directory
from sample_crm.domain.behaviour import Behaviour
from sample_crm.domain.events import catalog_records
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import conflict, documented, invalid, not_found

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
router = APIRouter()


class UserDocument(BaseModel):
    """Somebody who works with the CRM."""

    id: Text
    name: Text
    email: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f@\s]+@[^\x00-\x1f@\s]+$")]


class NotificationDocument(BaseModel):
    """A message in a user's inbox."""

    id: str
    user: str
    message: str
    module: str
    record_id: str
    workflow_id: str | None
    created_at: str
    read_at: str | None


class StageDocument(BaseModel):
    """A step of a pipeline."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    kind: Literal["open", "won", "lost"] = "open"


class PipelineDocument(BaseModel):
    """The stages of a module in order."""

    model_config = ConfigDict(extra="forbid")

    stages: Annotated[list[StageDocument], Field(min_length=1, max_length=50)]


class Released(BaseModel):
    """How many answers go out now."""

    released: int


@router.get("/users", tags=["users"], summary="Everybody")
async def list_users(crm: TheCrm) -> Page[UserDocument]:
    async with crm.engine.connect() as connection:
        users = (await read_directory(connection)).users.values()
    return Page(items=[UserDocument(id=user.id, name=user.name, email=user.email) for user in users])


@router.put("/users/{user_id}", tags=["users"], summary="Add somebody, or change a name or address")
async def put_user(
    crm: TheCrm, user_id: Annotated[str, Path(max_length=200)], user: UserDocument
) -> UserDocument:
    if user.id != user_id:
        raise invalid("other-id", f"The id in the body is {user.id!r}, in the path {user_id!r}.")
    async with unit_of(crm) as unit:
        values = {"name": user.name, "email": user.email}
        statement = insert(USERS).values(id=user.id, **values)
        await unit.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
        await publish_catalog(unit)
    return user


@router.get("/notifications", tags=["notifications"], summary="Inboxes, newest first")
async def list_notifications(
    crm: TheCrm,
    user: Annotated[str | None, Query(description="Only this user's")] = None,
    unread: Annotated[bool, Query(description="Only those not read")] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[NotificationDocument]:
    query = select(NOTIFICATIONS).order_by(NOTIFICATIONS.c.number.desc()).limit(limit + 1)
    if user is not None:
        query = query.where(NOTIFICATIONS.c.user_id == user)
    if unread:
        query = query.where(NOTIFICATIONS.c.read_at.is_(None))
    after = decode_cursor(cursor, int)
    if after is not None:
        query = query.where(NOTIFICATIONS.c.number < after[0])
    async with crm.engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    following = encode_cursor(rows[limit - 1].number) if len(rows) > limit else None
    return Page(items=[_notification(row) for row in rows[:limit]], next=following)


@router.post(
    "/notifications/{notification_id}/read",
    tags=["notifications"],
    summary="It was read",
    responses=documented(404),
)
async def read_notification(crm: TheCrm, notification_id: str) -> NotificationDocument:
    statement = (
        update(NOTIFICATIONS)
        .where(NOTIFICATIONS.c.id == notification_id)
        .values(read_at=func.coalesce(NOTIFICATIONS.c.read_at, func.now()))
        .returning(NOTIFICATIONS)
    )
    async with crm.engine.begin() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise not_found("notification", notification_id)
    return _notification(row)


@router.get("/pipelines", tags=["pipelines"], summary="The pipelines by module")
async def list_pipelines(crm: TheCrm) -> dict[str, PipelineDocument]:
    async with crm.engine.connect() as connection:
        pipelines = (await read_directory(connection)).pipelines
    return {
        module: PipelineDocument(stages=[StageDocument(name=stage.name, kind=stage.kind) for stage in stages])
        for module, stages in pipelines.items()
    }


@router.put(
    "/pipelines/{module}",
    tags=["pipelines"],
    summary="Change the stages and their order",
    responses=documented(404, 409, 422),
)
async def put_pipeline(crm: TheCrm, module: str, pipeline: PipelineDocument) -> PipelineDocument:
    names = [stage.name for stage in pipeline.stages]
    kinds = {stage.kind for stage in pipeline.stages}
    if len(set(names)) < len(names) or pipeline.stages[0].kind != "open":
        raise invalid("invalid-pipeline", "Stages have different names, and the first is an open one.")
    if module == "opportunities" and kinds != {"open", "won", "lost"}:
        raise invalid("invalid-pipeline", "Opportunities need at least one won and one lost stage.")
    async with unit_of(crm) as unit:
        if module not in unit.setting.directory.pipelines:
            raise not_found("pipeline", module)
        stage_of = RECORDS.c.data["stage"].astext
        in_use = select(stage_of).where(RECORDS.c.module == module, stage_of.not_in(names)).limit(1)
        used = (await unit.connection.execute(in_use)).scalar()
        if used is not None:
            raise conflict("stage-in-use", f"There are {module} in stage {used!r}; move them first.")
        stages = [stage.model_dump() for stage in pipeline.stages]
        await unit.connection.execute(
            update(PIPELINES).where(PIPELINES.c.module == module).values(stages=stages)
        )
        await publish_catalog(unit)
    return pipeline


@router.get("/behaviour", tags=["behaviour"], summary="How commands are answered at present")
async def get_behaviour(crm: TheCrm) -> Behaviour:
    async with crm.engine.connect() as connection:
        content: dict[str, Any] = (await connection.execute(select(BEHAVIOUR.c.content))).scalar_one()
    return Behaviour.model_validate(content)


@router.put("/behaviour", tags=["behaviour"], summary="Reject, delay or repeat answers; {} behaves again")
async def put_behaviour(crm: TheCrm, behaviour: Behaviour) -> Behaviour:
    async with crm.engine.begin() as connection:
        await connection.execute(update(BEHAVIOUR).values(content=behaviour.model_dump(mode="json")))
    return behaviour


@router.post("/behaviour/release", tags=["behaviour"], summary="Send every answer that is held back, now")
async def release_answers(crm: TheCrm) -> Released:
    async with crm.unit() as unit:
        due = update(HELD_ANSWERS).values(due_at=unit.setting.now).returning(HELD_ANSWERS.c.number)
        released = (await unit.connection.execute(due)).all()
    return Released(released=len(released))


async def announce(crm: Crm) -> None:
    """Publishes the catalog, as at every start: a new Kafka learns it, for others it is no news."""
    async with crm.unit() as unit:
        await publish_catalog(unit)


async def publish_catalog(unit: Unit) -> None:
    """Sends the catalog as it is in this transaction."""
    directory = await read_directory(unit.connection)
    for message in catalog_records(unit.tenant_id, directory, unit.setting.now):
        unit.send(message)


def _notification(row: Any) -> NotificationDocument:
    return NotificationDocument(
        id=row.id,
        user=row.user_id,
        message=row.message,
        module=row.module,
        record_id=row.record_id,
        workflow_id=row.workflow_id,
        created_at=row.created_at.isoformat(),
        read_at=None if row.read_at is None else row.read_at.isoformat(),
    )
