"""What the story sees: only what any program outside could, over HTTP."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import httpx

from signalbox_embedded.demo.receiver import Receiver

T = TypeVar("T")
PATIENCE_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.05


class StepFailed(Exception):
    """A step of the story did not come out as told."""


class Outside:
    """Signalbox's API, the CRM, the mailbox and the webhook's receiver."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        self.endpoints = endpoints
        authorization = {"Authorization": f"Bearer {endpoints['api_key']}"}
        self._api = httpx.Client(base_url=endpoints["api"], headers=authorization, timeout=20)
        self._crm = httpx.Client(base_url=endpoints["sample_crm"], timeout=20)
        self._mailbox = httpx.Client(base_url=endpoints["mailbox"], timeout=20)
        self.receiver = Receiver()

    def __enter__(self) -> Self:
        self.receiver.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.receiver.__exit__(*details)
        for client in (self._api, self._crm, self._mailbox):
            client.close()

    def api(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """A call of Signalbox's API; what it answers."""
        return _answer(self._api.request(method, path, json=body, params=parameters or None))

    def crm(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """A call of the sample CRM; what it answers."""
        return _answer(self._crm.request(method, path, json=body, params=parameters or None))

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        """What the mailbox took for an address."""
        return [mail for mail in _answer(self._mailbox.get("/messages")) if address in mail["to"]]

    def runs(self, workflow_id: str, record_id: str) -> list[dict[str, Any]]:
        """Every run of a workflow for a record, skipped ones too, newest first, each with its whole story."""
        found = [
            run
            for status in ("success", "failed", "skipped", "running", "waiting")
            for run in self.api(
                "GET", "/v1/runs", workflow_id=workflow_id, record_id=record_id, status=status
            )["items"]
        ]
        newest_first = sorted(found, key=lambda run: str(run["started_at"]), reverse=True)
        return [self.api("GET", f"/v1/runs/{run['id']}") for run in newest_first]

    def ended_run(
        self, workflow_id: str, record_id: str, status: str, reason: str | None = None
    ) -> dict[str, Any]:
        """The run of a workflow for a record, once it has ended as told."""

        def look() -> dict[str, Any] | None:
            for run in self.runs(workflow_id, record_id):
                if run["status"] == status and reason in (None, run["reason"]):
                    return run
            return None

        return eventually(look, f"a run for {record_id} that ends as {status}")


def eventually(look: Callable[[], T | None], what: str) -> T:
    """What `look` finds, asked until it finds something. Raises StepFailed after half a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise StepFailed(f"Waited {PATIENCE_SECONDS:.0f} s in vain for {what}.")
        time.sleep(LOOK_AGAIN_SECONDS)


def expect(condition: bool, what: str) -> None:
    """Raises StepFailed where the outside does not look as the story says."""
    if not condition:
        raise StepFailed(f"Expected {what}.")


def _answer(response: httpx.Response) -> Any:
    if response.is_error:
        asked = f"{response.request.method} {response.request.url}"
        raise StepFailed(f"{asked} answered {response.status_code}: {response.text}")
    return response.json() if response.content else None
