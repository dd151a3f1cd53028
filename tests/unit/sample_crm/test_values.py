"""What may stand in a field, by its type."""

from typing import Any

import pytest

from sample_crm.domain.modules import Field
from sample_crm.domain.values import check_value
from sample_crm.errors import Refused
from tests.unit.sample_crm.crm_setting import DIRECTORY

PICKLIST = Field("it", "picklist", "It", options=("A", "B"))


def field(kind: Any) -> Field:
    return PICKLIST if kind == "picklist" else Field("it", kind, "It")


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("text", "Ada", "Ada"),
        ("text", "", None),
        ("number", None, None),
        ("email", "a@b.example", "a@b.example"),
        ("url", "https://x.example/y", "https://x.example/y"),
        ("picklist", "A", "A"),
        ("number", 7, 7),
        ("number", 7.5, 7.5),
        ("money", "75000", 75000),
        ("money", "75000.10", 75000.1),
        ("boolean", False, False),
        ("date", "2026-11-24", "2026-11-24"),
        ("datetime", "2026-11-24T11:00:00+01:00", "2026-11-24T10:00:00.000Z"),
        ("datetime", "2026-11-24T10:00:00Z", "2026-11-24T10:00:00.000Z"),
        ("datetime", "2026-11-24", "2026-11-24T23:59:59.000Z"),
        ("user", "u-1", "u-1"),
        ("object", {"city": "Oslo"}, {"city": "Oslo"}),
        ("list", [{"sku": 1}], [{"sku": 1}]),
    ],
)
def test_a_value_is_stored_in_its_type(kind: str, given: Any, stored: Any) -> None:
    value = check_value(field(kind), given, DIRECTORY)

    assert value == stored
    assert type(value) is type(stored)


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("text", 7, "must be a text"),
        ("text", "a\0b", "must be a text"),
        ("text", "x" * 10_001, "10,000 characters"),
        ("email", "nobody", "an email address"),
        ("email", "a b@c", "an email address"),
        ("url", "javascript:alert(1)", "must begin with http"),
        ("picklist", "C", "must be one of A, B"),
        ("picklist", ["A"], "must be a text"),
        ("number", "seven", "must be a number"),
        ("number", True, "must be a number"),
        ("number", [1], "must be a number"),
        ("number", "nan", "too large"),
        ("number", 10**400, "too large"),
        ("money", "1e999", "too large"),
        ("boolean", "true", "true or false"),
        ("date", "24.11.2026", "must be a date"),
        ("datetime", "2026-11-24T10:00:00", "a time with its zone"),
        ("datetime", "soon", "a time with its zone"),
        ("datetime", "0001-01-01T00:00:00+23:00", "a time with its zone"),
        ("object", [1], "must be an object"),
        ("object", {"a\0": 1}, "must be an object"),
        ("list", {"a": 1}, "must be a list"),
        ("list", ["x" * 50_000], "50,000 bytes"),
        ("list", [float("nan")], "odd numbers"),
        ("list", [10**30], "odd numbers"),
        ("object", {"a": {"b": "\0"}}, "odd numbers or texts"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind: str, given: Any, says: str) -> None:
    with pytest.raises(Refused, match=says) as refused:
        check_value(field(kind), given, DIRECTORY)
    assert (refused.value.code, refused.value.field) == ("invalid-value", "it")


def test_an_unknown_user_is_refused() -> None:
    with pytest.raises(Refused, match="There is no user 'u-9'"):
        check_value(field("user"), "u-9", DIRECTORY)


def test_a_list_may_be_nested_sixteen_levels() -> None:
    nested: list[Any] = []
    for _ in range(15):
        nested = [nested]
    assert check_value(field("list"), nested, DIRECTORY) == nested
    with pytest.raises(Refused):
        check_value(field("list"), [nested], DIRECTORY)


def test_a_required_field_is_not_emptied() -> None:
    with pytest.raises(Refused, match="must not be empty"):
        check_value(Field("name", "text", "Name", required=True), None, DIRECTORY)
