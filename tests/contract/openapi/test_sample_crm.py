"""The sample CRM's checked-in OpenAPI document is the one that it serves, and names what outside programs call."""

import json
from pathlib import Path
from typing import Any

import pytest

from sample_crm.domain.actions import ACTIONS
from sample_crm.domain.modules import MODULES, Module
from sample_crm.openapi import openapi_text

FILE = Path(__file__).parents[3] / "schemas" / "openapi" / "sample-crm.json"
DOCUMENT: dict[str, Any] = json.loads(openapi_text())


def test_the_checked_in_document_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == openapi_text(), "run `make generate`"


@pytest.mark.parametrize("module", MODULES, ids=lambda each: each.name)
def test_a_module_can_be_created_read_changed_and_listed(module: Module) -> None:
    collection, one = DOCUMENT["paths"][f"/{module.name}"], DOCUMENT["paths"][f"/{module.name}/{{record_id}}"]

    assert {"get", "post"} <= set(collection)
    assert {"get", "patch"} <= set(one)
    shown = one["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert set(shown) == set(module.fields)
    settable = one["patch"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert set(settable) == {name for name, field in module.fields.items() if not field.read_only}


def test_every_action_has_its_call() -> None:
    for module, name, _ in ACTIONS:
        assert "post" in DOCUMENT["paths"][f"/{module.name}/{{record_id}}/{name}"]
