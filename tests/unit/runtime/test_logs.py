"""What a log line carries, and what it never does."""

import json
import subprocess
import sys

from signalbox_runtime.process.logs import hide_secrets

_SCRIPT = """
import logging
import structlog
from signalbox_runtime.process import logs
from signalbox_runtime.records import Inbound

logs.configure("trigger-router", 3, "info")
log = structlog.get_logger()
inbound = Inbound(topic="crm.leads", partition=2, offset=7, timestamp_ms=0, key=None, value=None)
with logs.about(inbound), logs.bound(tenant="acme", run="r-1", event="evt-1"):
    log.info("routed", api_key="k-123")
log.debug("unseen")
logging.getLogger("httpx").info("GET http://ledger/v1/runs?text=ada%40example.com")
logging.getLogger("uvicorn").warning("from the standard library")
try:
    raise ValueError("what went wrong")
except ValueError:
    log.exception("failed")
"""


def lines() -> list[dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lines_are_json_with_service_context_and_place() -> None:
    routed, from_library, failed = lines()
    assert (
        routed.items()
        >= {
            "event": "routed",
            "service": "trigger-router",
            "slot": 3,
            "level": "info",
            "place": "crm.leads-2@7",
            "tenant": "acme",
            "run": "r-1",
        }.items()
    )
    assert routed["event_id"] == "evt-1"
    assert routed["api_key"] == "(hidden)"
    assert from_library.items() >= {"event": "from the standard library", "level": "warning"}.items()
    assert "what went wrong" in json.dumps(failed)
    assert "place" not in failed


def test_a_secret_under_any_name_is_hidden() -> None:
    entry = hide_secrets(None, "", {"Authorization": "Bearer x", "smtp_password": "y", "topic": "crm.leads"})
    assert entry == {"Authorization": "(hidden)", "smtp_password": "(hidden)", "topic": "crm.leads"}


def test_an_exception_is_logged_without_the_variables_of_its_frames() -> None:
    script = """
import structlog
from signalbox_runtime.process import logs
logs.configure("action-runner", 0, "info")
def fail(signing_key):
    raise ValueError("it does not fit")
try:
    fail("whsec_" + "x" * 8)
except ValueError as error:
    structlog.get_logger().error("failed", exc_info=error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "it does not fit" in done.stdout
    assert "whsec_xxxxxxxx" not in done.stdout + done.stderr
