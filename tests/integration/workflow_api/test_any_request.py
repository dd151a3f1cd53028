"""Whatever is sent, right or wrong, no answer is a defect, and every answer is one that OpenAPI names."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from workflow_api.application import describe

from .conftest import Api

EXAMPLES_MAX = 6
"""Of each operation and mode, so that the run stays near a minute; by hand, more find more."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ANY_WORKFLOW = {
    "type": "object",
    "required": ["name", "trigger", "actions"],
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "trigger": {
            "type": "object",
            "required": ["module", "event"],
            "properties": {"module": {"enum": ["leads", "tasks"]}, "event": {"type": "string"}},
        },
        "conditions": {"type": "object"},
        "actions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"enum": ["webhook", "send_email"]},
                    "id": {},
                    "with": {"type": "object"},
                },
            },
        },
    },
}
"""In the place of the document's own schema, which refers to itself: the generator reads no such."""


def described() -> dict[str, Any]:
    document = describe()
    schemas = document["components"]["schemas"]
    return {
        **document,
        "components": {**document["components"], "schemas": {**schemas, "WorkflowDocument": ANY_WORKFLOW}},
    }


_FOUND: list[Any] = list(schemathesis.openapi.from_dict(described()).get_all_operations())
OPERATIONS = [found.ok() for found in _FOUND]


def takes_something(operation: Any) -> bool:
    """Whether there is anything to get wrong."""
    return bool(list(operation.iter_parameters()) or operation.body)


CALLS = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or takes_something(operation)
]


@pytest.mark.parametrize(("operation", "mode"), CALLS)
def test_every_answer_is_documented_and_none_is_a_defect(
    api: Api, operation: Any, mode: GenerationMode
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES_MAX,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        response = case.call(base_url=api.url, headers={"Authorization": f"Bearer {api.key}"})
        case.validate_response(response, checks=CHECKS)

    check()
