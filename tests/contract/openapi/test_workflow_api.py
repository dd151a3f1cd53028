"""The checked-in OpenAPI document is the one that the code serves."""

from pathlib import Path
from typing import Any

import pytest

from workflow_api.application import describe
from workflow_api.openapi import openapi_text

FILE = Path(__file__).parents[3] / "schemas" / "openapi" / "workflow-api.json"
BEFORE_THE_KEY = {("post", "/v1/session"), ("delete", "/v1/session")}
ROLES = {"viewer", "operator", "editor", "admin"}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in describe()["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_checked_in_document_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == openapi_text(), "run `make generate`"


@pytest.mark.parametrize(("method", "path", "operation"), operations())
def test_every_route_names_one_role_and_its_answers(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    if not path.startswith("/v1/"):
        assert "security" not in operation
        return
    if (method, path) in BEFORE_THE_KEY:
        assert "security" not in operation
        return
    ((_, scopes),) = operation["security"][0].items()
    assert len(scopes) == 1
    assert set(scopes) <= ROLES
    answers = set(operation["responses"])
    assert {"401", "403", "429", "503"} <= answers
    if "{" in path:
        assert "404" in answers
    assert operation["summary"]


def test_every_reference_has_its_schema() -> None:
    document = describe()
    names = set(document["components"]["schemas"])
    pending: list[Any] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                assert reference.removeprefix("#/components/schemas/") in names
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
