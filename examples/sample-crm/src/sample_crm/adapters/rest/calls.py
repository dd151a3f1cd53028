"""What the calls have in common: the CRM they work on, who calls, and refusals as problem details."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import Depends, Header, Request
from sqlalchemy.exc import IntegrityError

from sample_crm.adapters.unit import Crm, Unit
from sample_crm.domain.events import Cause
from sample_crm.domain.modules import Module
from sample_crm.domain.records import Record
from sample_crm.errors import Refused
from signalbox_runtime.http.problems import Problem, ProblemPlace, conflict, invalid, not_found

CONFLICTS = frozenset({"closed-record", "wrong-status", "no-next-stage"})
"""Refusals that are about the state of the record, not about the request."""


def _crm(request: Request) -> Crm:
    crm = request.app.state.crm
    assert isinstance(crm, Crm)
    return crm


def _cause(
    x_user: Annotated[
        str | None, Header(max_length=100, pattern="^[ -~]*$", description="Id of the user who does this")
    ] = None,
    x_origin: Annotated[Literal["ui", "api", "import"], Header(description="`origin` of the events")] = "api",
) -> Cause:
    return Cause(actor=x_user or None, origin=x_origin)


TheCrm = Annotated[Crm, Depends(_crm)]
Caller = Annotated[Cause, Depends(_cause)]


@asynccontextmanager
async def unit_of(crm: Crm) -> AsyncIterator[Unit]:
    """A transaction whose refusals become answers: 409 for the record's state, 422 for the request."""
    try:
        async with crm.unit() as unit:
            yield unit
    except Refused as refused:
        raise as_problem(refused) from refused
    except IntegrityError as error:
        raise conflict(
            "id-taken", "There is something with this id already; leave `id` out to get a free one."
        ) from error


async def locked_record(unit: Unit, module: Module, record_id: str) -> Record:
    """The record, locked. Raises Problem 404."""
    key = (module.name, record_id)
    record = (await unit.locked([key])).get(key)
    if record is None:
        raise not_found(module.label.lower(), record_id)
    return record


def as_problem(refused: Refused) -> Problem:
    """A refusal as problem details; the slug is its code."""
    if refused.code in CONFLICTS:
        return conflict(refused.code, refused.reason)
    places = (
        [] if refused.field is None else [ProblemPlace(pointer=f"/{refused.field}", detail=refused.reason)]
    )
    return invalid(refused.code, refused.reason, places)
