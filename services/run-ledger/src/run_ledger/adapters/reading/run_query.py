"""The filter over runs that lists, exports and bulk retries share."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Query

from run_ledger.adapters.reading.runs_reader import UNASKED, RunFilter
from signalbox_contracts.topics import ModuleName

Module = ModuleName
Status = Literal["running", "waiting", "success", "failed", "skipped", "canceling", "canceled"]


def run_filter(
    workflow_id: Annotated[str | None, Query(max_length=200)] = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    status: Annotated[
        list[Status] | None, Query(description="May be repeated; `skipped` only if asked for")
    ] = None,
    module: Annotated[str | None, Query(max_length=60)] = None,
    record_id: Annotated[str | None, Query(max_length=1_000)] = None,
    from_: Annotated[datetime | None, Query(alias="from", description="Started at or after")] = None,
    to: Annotated[datetime | None, Query(description="Started before")] = None,
    text: Annotated[
        str | None, Query(min_length=1, max_length=500, description="Part of the error's text, in any case")
    ] = None,
) -> RunFilter:
    """The filter that a request's query asks for; times without a zone are UTC."""
    return RunFilter(
        workflow_id=workflow_id,
        version=version,
        statuses=tuple(status) if status else UNASKED,
        module=module,
        record_id=record_id,
        from_ms=time_ms(from_),
        to_ms=time_ms(to),
        error_text=text,
    )


def time_ms(at: datetime | None) -> int | None:
    """A query's time in ms since 1970."""
    if at is None:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


Filter = Annotated[RunFilter, Depends(run_filter)]
