"""Every route of the ledger names one role, and api.md's calls are there."""

from typing import Any

import pytest

from run_ledger.routes.api import describe

ROLES = {"viewer", "operator", "editor", "admin"}
CALLS = (
    ("get", "/v1/runs"),
    ("get", "/v1/runs/{run_id}"),
    ("post", "/v1/runs/{run_id}/retry"),
    ("get", "/v1/runs/{run_id}/retry-preview"),
    ("post", "/v1/runs/{run_id}/cancel"),
    ("post", "/v1/runs/{run_id}/actions/{index}/resolve"),
    ("post", "/v1/bulk-retries"),
    ("get", "/v1/bulk-retries/{bulk_id}"),
    ("get", "/v1/records/{module}/{record_id}/timeline"),
    ("get", "/v1/records/{module}/{record_id}/non-runs"),
    ("get", "/v1/stats"),
    ("get", "/v1/stream"),
)
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (method, path, operation)
    for path, methods in describe()["paths"].items()
    for method, operation in methods.items()
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_call_of_the_api_page_is_there(method: str, path: str) -> None:
    assert method in describe()["paths"][path]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_route_names_one_role(method: str, path: str, operation: dict[str, Any]) -> None:
    if path.startswith("/v1/"):
        ((_, scopes),) = operation["security"][0].items()
        assert len(scopes) == 1
        assert set(scopes) <= ROLES
        assert "viewer" in scopes or method != "get"
        assert {"401", "403", "429", "503"} <= set(operation["responses"])
    else:
        assert "security" not in operation
