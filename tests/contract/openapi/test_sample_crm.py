"""The sample CRM's checked-in OpenAPI document is the one that it serves, and names all its calls."""

import json
from pathlib import Path
from typing import Any

import pytest

from sample_crm.domain.actions import ACTIONS
from sample_crm.domain.modules import MODULES, Module
from sample_crm.openapi import openapi_text

FILE = Path(__file__).parents[3] / "schemas" / "openapi" / "sample-crm.json"
DOCUMENT: dict[str, Any] = json.loads(openapi_text())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference means."""
    return dict(DOCUMENT["components"]["schemas"][schema["$ref"].removeprefix("#/components/schemas/")])


def test_the_checked_in_document_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == openapi_text(), "run `make generate`"


@pytest.mark.parametrize("module", MODULES, ids=lambda each: each.name)
def test_a_module_can_be_created_read_changed_and_listed(module: Module) -> None:
    collection, one = DOCUMENT["paths"][f"/{module.name}"], DOCUMENT["paths"][f"/{module.name}/{{record_id}}"]

    assert {"get", "post"} <= set(collection)
    assert {"get", "patch"} <= set(one)
    shown = resolved(one["get"]["responses"]["200"]["content"]["application/json"]["schema"])
    assert set(shown["properties"]) == set(module.fields)
    settable = resolved(one["patch"]["requestBody"]["content"]["application/json"]["schema"])
    assert set(settable["properties"]) == {name for name, each in module.fields.items() if not each.read_only}
    new = resolved(collection["post"]["requestBody"]["content"]["application/json"]["schema"])
    assert new.get("required", []) == [each.name for each in module.own_fields if each.required]
    assert set(new["properties"]) == {"id", *settable["properties"]}


def test_every_action_has_its_call() -> None:
    for module, name, _ in ACTIONS:
        assert "post" in DOCUMENT["paths"][f"/{module.name}/{{record_id}}/{name}"]
