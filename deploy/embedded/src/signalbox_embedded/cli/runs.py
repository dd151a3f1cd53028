"""`signalbox runs list`, `show` and `retry`: the history from a terminal."""

import json
from pathlib import Path
from typing import Any

import click
import httpx

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.endpoints import read_endpoints
from signalbox_embedded.errors import EmbeddedError

_TIMEOUT_SECONDS = 30.0
_STATUSES = ("running", "waiting", "success", "failed", "skipped", "canceling", "canceled")
_json_option = click.option("--json", "as_json", is_flag=True, help="The API's own answer.")


@click.group()
def runs() -> None:
    """Look at runs and repeat failed ones, in the system that runs in --data."""


@runs.command("list")
@data_option
@click.option("--workflow", "workflow_id", help="Only of this workflow's id.")
@click.option("--status", multiple=True, type=click.Choice(_STATUSES), help="May be repeated.")
@click.option("--module", help="Only of this module.")
@click.option("--record", "record_id", help="Only of this record.")
@click.option("--text", help="Only with this in the error.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@_json_option
def list_command(data: Path, as_json: bool, **query: Any) -> None:
    """Newest first; skipped runs only if asked for."""
    answer = _call(data, "GET", "/v1/runs", {name: value for name, value in query.items() if value})
    if as_json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    for run in answer["items"]:
        error = run["error"] or {}
        print(
            f"{run['started_at']}  {run['status']:<9} {run['id']}  {run['workflow_name']}  "
            f"{run['module']}/{run['record_id']}  {error.get('detail') or run['reason'] or ''}".rstrip()
        )
    if not answer["items"]:
        print("No run matches.")


@runs.command()
@data_option
@click.argument("run_id")
@_json_option
def show(data: Path, run_id: str, as_json: bool) -> None:
    """One run with its actions and attempts."""
    run = _call(data, "GET", f"/v1/runs/{run_id}")
    if as_json:
        print(json.dumps(run, indent=2, ensure_ascii=False))
        return
    print(f"{run['workflow_name']} (version {run['version']}): {run['status']}")
    print(f"  {run['module']}.{run['event']} of {run['record_id']} at {run['started_at']}")
    if run["verdict"]:
        print(f"  because {run['verdict'].get('sentence', '')}")
    for name in ("reason", "waiting_for", "deadline", "retry_of", "retried_by"):
        if run[name]:
            print(f"  {name.replace('_', ' ')}: {run[name]}")
    for action in run["actions"]:
        error = action.get("error") or {}
        print(f"  {action['id']} ({action['type']}): {action['status']} {error.get('detail', '')}".rstrip())


@runs.command()
@data_option
@click.argument("run_id")
@click.option("--version", type=click.Choice(("pinned", "latest")), default="pinned", show_default=True)
@click.option("--repeat-completed", is_flag=True, help="Also the actions that succeeded.")
def retry(data: Path, run_id: str, version: str, repeat_completed: bool) -> None:
    """Repeat a failed run; asked again, it names the same new run."""
    body = {"version": version, "repeat_completed": repeat_completed}
    run = _call(data, "POST", f"/v1/runs/{run_id}/retry", body=body)
    print(f"{run['id']} repeats {run_id}: {run['status']}")


def _call(data: Path, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None) -> Any:
    endpoints = read_endpoints(data / "endpoints.json")
    try:
        answer = httpx.request(
            method,
            endpoints.api + path,
            params=query,
            json=body,
            headers={"Authorization": f"Bearer {endpoints.api_key}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )
    except httpx.TransportError as error:
        raise EmbeddedError(
            f"{endpoints.api} does not answer ({error}); is `signalbox up` running?"
        ) from error
    if answer.is_error:
        problem = "application/problem+json" in answer.headers.get("content-type", "")
        raise EmbeddedError(answer.json()["detail"] if problem else f"{path} answered {answer.status_code}")
    return answer.json()
