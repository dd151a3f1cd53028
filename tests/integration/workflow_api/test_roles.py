"""For every route of the OpenAPI document: no key 401, too small a role 403, another tenant's id 404."""

import re
from typing import Any

import httpx
import pytest

from signalbox_runtime.http.auth import Role
from workflow_api.application import describe

from .conftest import WORKFLOW, Api

Operation = tuple[str, str, str]
"""Method, path, role."""

TEST = {"record": {"id": "lead-1"}}
BODIES: dict[tuple[str, str], Any] = {
    ("put", "/v1/workflows/{workflow_id}/draft"): {"name": "Mine"},
    ("put", "/v1/workflows/{workflow_id}"): WORKFLOW,
    ("post", "/v1/workflows/{workflow_id}/test"): TEST,
    ("post", "/v1/workflows/{workflow_id}/test-mail"): TEST,
    ("put", "/v1/email-templates/{name}"): {"subject": "s", "text": "t"},
    ("put", "/v1/secrets/{name}"): {"value": "v"},
    ("put", "/v1/api-keys/{key_id}"): {"name": "n", "role": "viewer"},
}
"""Bodies that are right, for routes that look at the body before they look the id up."""


def operations() -> list[Operation]:
    return [
        (method, path, operation["security"][0]["HTTPBearer"][0])
        for path, methods in describe()["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    ]


@pytest.fixture(scope="module")
def ids(api: Api) -> dict[str, str]:
    """What the first tenant has one of each."""
    with api.client() as client:
        workflow = client.post("/v1/workflows", json=WORKFLOW).json()["id"]
        assert client.post(f"/v1/workflows/{workflow}/publish").status_code == 200
        backtest = client.post(f"/v1/workflows/{workflow}/backtests").json()["id"]
        client.post("/v1/email-templates", json={"name": "mine", "subject": "s", "text": "t"})
        client.post("/v1/secrets", json={"name": "mine", "value": "v"})
        key = client.post("/v1/api-keys", json={"name": "mine", "role": "viewer"}).json()["id"]
    return {
        "workflow_id": workflow,
        "backtest_id": backtest,
        "name": "mine",
        "key_id": key,
        "number": "1",
        "event_id": "evt-of-demo",
        "module": "leads",
    }


def call(client: httpx.Client, operation: Operation, ids: dict[str, str]) -> httpx.Response:
    method, path, _ = operation
    filled = re.sub(r"{(\w+)}", lambda found: ids[found[1]], path)
    return client.request(
        method, filled, json=BODIES.get((method, path)), headers={"If-Match": "*"}, params={"mode": "plan"}
    )


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: f"{operation[0]} {operation[1]}")
def test_no_key_is_401_and_too_small_a_role_is_403(
    api: Api, ids: dict[str, str], operation: Operation
) -> None:
    with httpx.Client(base_url=api.url) as nobody:
        refused = call(nobody, operation, ids)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    smaller = [role for role in Role if role < Role[operation[2]]]
    if smaller:
        with api.client(api.add_key("demo", smaller[-1].name)) as client:
            refused = call(client, operation, ids)
            assert refused.status_code == 403, refused.text
            assert operation[2] in refused.json()["detail"]


@pytest.mark.parametrize(
    "operation",
    [operation for operation in operations() if "{" in operation[1] and "{module}" not in operation[1]],
    ids=lambda operation: f"{operation[0]} {operation[1]}",
)
def test_another_tenants_id_is_404(api: Api, ids: dict[str, str], operation: Operation) -> None:
    with api.client(api.add_key("stranger", "admin")) as stranger:
        response = call(stranger, operation, ids)
        assert response.status_code == 404, response.text
        assert response.headers["content-type"] == "application/problem+json"
