"""`python -m workflow_api.backtest_worker <tenant> <backtest> <claim>`: runs one backtest to its end.

A process of its own, so that counting a month of events takes nothing from the API's answers. It writes its
progress twice a second and stops as soon as the row is not its own any more: canceled, or claimed anew.
"""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from signalbox_contracts.definitions.document import WorkflowDefinition, from_bytes
from signalbox_runtime.errors import RuntimeFailure
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.process.settings import SharedSettings, kafka_options
from workflow_api.adapters.event_replay import replay, span_of
from workflow_api.domain.backtest import Backtest

PROGRESS_SECONDS: Final = 0.5


class NotOurs(Exception):
    """The backtest was canceled or is somebody else's by now."""


@dataclass(frozen=True, slots=True)
class Job:
    """A backtest's row, claimed."""

    connection: psycopg.Connection[Any]
    tenant_id: str
    backtest_id: str
    claim: str

    def request(self) -> dict[str, Any]:
        """What was asked for. Raises NotOurs."""
        row = self.connection.execute(
            "SELECT request FROM workflows.backtests WHERE tenant_id = %s AND id = %s AND claim = %s",
            (self.tenant_id, self.backtest_id, self.claim),
        ).fetchone()
        if row is None:
            raise NotOurs
        request: dict[str, Any] = row[0]
        return request

    def write(self, progress: dict[str, Any]) -> None:
        """Shows how far it is. Raises NotOurs."""
        self._update("progress = %s::json, beat_at = now()", json.dumps(progress))

    def finish(self, progress: dict[str, Any], result: dict[str, Any]) -> None:
        """Ends it. Raises NotOurs."""
        self._update(
            "status = 'done', finished_at = now(), progress = %s::json, result = %s::json",
            json.dumps(progress),
            json.dumps(result),
        )

    def fail(self, error: str) -> None:
        """Ends it with a reason. Raises NotOurs."""
        self._update("status = 'failed', finished_at = now(), error = %s", error)

    def _update(self, changes: str, *values: str) -> None:
        done = self.connection.execute(
            f"UPDATE workflows.backtests SET {changes}"  # noqa: S608, fixed texts
            " WHERE tenant_id = %s AND id = %s AND claim = %s AND status = 'running'",
            (*values, self.tenant_id, self.backtest_id, self.claim),
        )
        if done.rowcount != 1:
            raise NotOurs


def run(job: Job) -> None:
    """Replays, counts and writes. Raises NotOurs."""
    request = job.request()
    now: WorkflowDefinition | None = None
    if request["now"] is not None:
        now = from_bytes(request["now"].encode())
    then = from_bytes(request["then"].encode())
    backtest = Backtest(then, now)
    kafka = ConfluentKafka(kafka_options(), "workflow-api-backtest")
    span = span_of(kafka, then.trigger.module, request["from_ms"], request["to_ms"])
    began_at = written_at = time.monotonic()
    cpu_began_at = time.process_time()
    offsets_read = 0

    def progress() -> dict[str, Any]:
        seconds = time.monotonic() - began_at
        return {
            "offsets_read": offsets_read,
            "offsets_total": span.total,
            "events_seen": backtest.events_seen,
            "seconds": round(seconds, 3),
            "cpu_seconds": round(time.process_time() - cpu_began_at, 3),
        }

    complete = True
    job.write(progress())
    for offsets_read in replay(kafka, job.tenant_id, then.trigger.module, span, backtest):  # noqa: B007, progress() reads it
        if backtest.events_seen >= request["events_max"]:
            complete = False
            break
        if time.monotonic() - written_at >= PROGRESS_SECONDS:
            written_at = time.monotonic()
            job.write(progress())
    job.finish(progress(), {**backtest.result(), "complete": complete})


def main(tenant_id: str, backtest_id: str, claim: str) -> int:
    """0 when the backtest ended, however it did."""
    with psycopg.connect(SharedSettings().database_url, autocommit=True) as connection:
        job = Job(connection, tenant_id, backtest_id, claim)
        try:
            run(job)
        except NotOurs:
            return 0
        except RuntimeFailure as error:
            job.fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
