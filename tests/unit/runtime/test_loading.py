"""How a process loads its modules, seen in processes of their own."""

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_nobody_uses_is_not_loaded_and_the_collector_is_on_again() -> None:
    code = """
import gc, sys
from signalbox_runtime.process.loading import UNUSED, loading
with loading():
    import fastapi, httpx, structlog
assert gc.isenabled() and gc.get_freeze_count() > 10_000
print([name for name in UNUSED if sys.modules[name] is not None])
"""
    assert run(code).strip() == "[]"


def test_the_largest_service_starts_without_alembic_and_what_draws_on_a_terminal() -> None:
    code = """
import sys
from signalbox_runtime.process.loading import loading
with loading():
    import workflow_api.service
print([name for name in ("alembic", "mako", "rich", "pygments", "schemathesis") if sys.modules.get(name)])
"""
    assert run(code).strip() == "[]"
