"""Try a workflow before it is active: no effect, and the mail only to oneself."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from signalbox_runtime.http.auth import Editor, Viewer
from signalbox_runtime.http.problems import documented
from workflow_api.domain.dry_run import DryRun
from workflow_api.dry_runs import PastEvent, Subject, TypedRecord
from workflow_api.routes.access import Using
from workflow_api.routes.versions import VERSION_MAX

router = APIRouter(tags=["tests"])
Identifier = Annotated[str, Field(min_length=1, max_length=512)]
Version = Literal["draft"] | Annotated[int, Field(ge=1, le=VERSION_MAX)]


class TestIn(BaseModel):
    """One of `record` (with `previous` or not), `event_id`, `record_id`."""

    __test__ = False
    model_config = ConfigDict(extra="forbid")

    record: dict[str, Any] | None = Field(default=None, description="A record as it is after the change")
    previous: dict[str, Any] | None = Field(default=None, description="The record before the change")
    event_id: Identifier | None = Field(
        default=None, description="An event of the trigger's module that happened"
    )
    record_id: Identifier | None = Field(default=None, description="A record of it: its last event is taken")
    version: Version | None = Field(
        default=None, description="Unset: the draft if there is one, else the version that judges events"
    )

    @model_validator(mode="after")
    def _names_one_subject(self) -> "TestIn":
        given = [name for name in ("record", "event_id", "record_id") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give one of record, event_id and record_id; given are {', '.join(given) or 'none'}"
            )
        if self.previous is not None and self.record is None:
            raise ValueError("previous goes with record; a past event brings its own")
        return self

    def subject(self) -> Subject:
        """What the workflow is tried on."""
        if self.record is not None:
            return TypedRecord(self.record, self.previous)
        return PastEvent(self.event_id, self.record_id)


class TestMailIn(TestIn):
    """What the mail is made for."""

    action: str | None = Field(
        default=None, max_length=64, description="The id of a mail; unset, the first one"
    )


class VerdictOut(BaseModel):
    """A yes or no that explains itself."""

    outcome: bool
    sentence: str
    tree: Any


class Place(BaseModel):
    """What would make an action fail."""

    pointer: str
    detail: str


class TestAction(BaseModel):
    """An action as it would be sent."""

    __test__ = False

    id: str
    type: str
    parameters: dict[str, Any] = Field(alias="with")
    effect_key: str = Field(description="The mail's Message-ID, webhook-id, Idempotency-Key, command_id")
    warnings: list[str]
    problems: list[Place] = Field(description="Not empty: the action would fail, and why")


class TestOut(BaseModel):
    """What would happen."""

    __test__ = False

    would_run: bool = Field(description="The trigger matches and the conditions hold")
    trigger_matches: bool
    verdict: VerdictOut
    actions: list[TestAction] = Field(description="Shown also when nothing would run")
    assumptions: list[str] = Field(description="What the CRM is assumed to do between the actions")
    event: dict[str, Any]
    version: int


class TestMailOut(BaseModel):
    """A test mail that was handed in."""

    __test__ = False

    action: str
    sent_to: str
    would_go_to: list[str]
    message_id: str
    reply: str


@router.post(
    "/v1/workflows/{workflow_id}/test",
    summary="What it would do for a record or an event; nothing is sent",
    responses=documented(404),
)
async def test_workflow(caller: Viewer, using: Using, workflow_id: str, body: TestIn) -> TestOut:
    workflow = await using.workflows.read(caller, workflow_id)
    tested = await using.dry_runs.tested(caller, workflow, body.version)
    run, event = await using.dry_runs.run(caller, tested, body.subject())
    shown = {
        "id": event.event_id,
        "module": event.module,
        "event": event.event,
        "record_id": event.record_id,
        "record": msgspec.json.decode(event.record),
        "previous": None if event.previous is None else msgspec.json.decode(event.previous),
    }
    return _out(run, shown, tested.version)


@router.post(
    "/v1/workflows/{workflow_id}/test-mail",
    summary="Send the mail it would send to my own address, and to nobody else",
    responses=documented(404, 409),
)
async def send_test_mail(caller: Editor, using: Using, workflow_id: str, body: TestMailIn) -> TestMailOut:
    workflow = await using.workflows.read(caller, workflow_id)
    tested = await using.dry_runs.tested(caller, workflow, body.version)
    run, _ = await using.dry_runs.run(caller, tested, body.subject())
    sent = await using.test_mails.send(caller, run, body.action)
    return TestMailOut(
        action=sent.action_id,
        sent_to=sent.recipient,
        would_go_to=list(sent.would_go_to),
        message_id=sent.message_id,
        reply=sent.reply,
    )


def _out(run: DryRun, event: dict[str, Any], version: int) -> TestOut:
    return TestOut(
        would_run=run.would_run,
        trigger_matches=run.trigger_matches,
        verdict=VerdictOut(**msgspec.to_builtins(run.verdict)),
        actions=[
            TestAction(
                **{"with": dict(action.parameters)},
                id=action.id,
                type=action.type,
                effect_key=action.effect_key,
                warnings=list(action.warnings),
                problems=[Place(pointer=each.pointer, detail=each.detail) for each in action.problems],
            )
            for action in run.actions
        ],
        assumptions=list(run.assumptions),
        event=event,
        version=version,
    )
