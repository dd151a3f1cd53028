"""Erasing what the history holds of one record, and looking at runs past their time."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from run_ledger.adapters.reading.stuck import StuckRuns
from run_ledger.adapters.requests.requests import Requests
from run_ledger.domain.views import rfc3339
from run_ledger.routes import shapes
from signalbox_contracts import topics
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Admin, Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Limit

router = APIRouter(tags=["care"])
LANE_KEY: Final = "lane"
SEGMENT_MS: Final = 7 * 86_400_000
"""Kafka drops whole segments once their newest message is too old; by default one is filled for a week."""


@router.post(
    "/v1/records/{module}/{record_id:path}/erase",
    status_code=202,
    summary="Erase a record's data from the history",
    description="The rows of its runs stay, with status and times; content goes: events, verdicts, receipts, "
    "error texts, records. It is a fact of the journal, so a rebuild keeps it. The answer says what Kafka "
    "still holds and until when.",
    response_model=shapes.Erasure,
)
async def erase(request: Request, caller: Admin, module: str, record_id: str) -> Response:
    requests: Requests = request.app.state.requests
    clock: Clock = request.app.state.clock
    at_ms = clock.now_ms()
    await requests.erase(caller.tenant_id, module, record_id, caller.actor, at_ms)
    kafka = [
        {"topic": topic.name, "until": rfc3339(at_ms + topic.retention_ms + SEGMENT_MS)}
        for topic in topics.all_topics()
        if topic.retention_ms is not None and holds_records(topic, module)
    ]
    return shapes.answer(
        {
            "module": module,
            "record_id": record_id,
            "erased_up_to": rfc3339(at_ms),
            "kafka": kafka,
        },
        202,
    )


def holds_records(topic: topics.Topic, module: str) -> bool:
    """Whether messages about records of `module` lie on the topic until they are too old."""
    if topic.name in topics.CRM_TOPICS:
        return topic.name == topics.crm_topic(module)
    return topic.key == LANE_KEY or topic.name == topics.DEAD_LETTERS


@router.get(
    "/v1/runs/stuck",
    summary="Runs past their time, longest first, with the cause",
    response_model=shapes.StuckRuns,
)
async def stuck_runs(request: Request, caller: Viewer, limit: Limit = LIMIT_DEFAULT) -> Response:
    runs: StuckRuns = request.app.state.stuck
    return shapes.answer(await runs.of(caller.tenant_id, limit))
