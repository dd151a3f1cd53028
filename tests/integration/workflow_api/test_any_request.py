"""Whatever is sent, no answer is a defect, and every answer is one that OpenAPI names."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import Api

EXAMPLES_MAX = 8
"""Of each operation: the whole run stays near a minute. Locally, more find more."""


@pytest.fixture(scope="module")
def served(api: Api) -> Any:
    return schemathesis.openapi.from_url(f"{api.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("served")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES_MAX,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented_and_none_is_a_defect(case: Any, api: Api) -> None:
    response = case.call(headers={"Authorization": f"Bearer {api.key}"})
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
