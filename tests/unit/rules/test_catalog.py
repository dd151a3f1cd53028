"""What is generated from the registries, and that the registries are whole."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from signalbox_rules import catalog
from signalbox_rules.actions.preview import preview
from signalbox_rules.actions.registry import ACTIONS
from signalbox_rules.catalog import documents, served_catalog, written
from signalbox_rules.conditions import compile_condition
from signalbox_rules.filters.registry import FILTERS
from signalbox_rules.modules.registry import EVENTS, MODULES
from signalbox_rules.operators.operator import EVERY, Takes
from signalbox_rules.operators.registry import OPERATORS
from signalbox_rules.template_analysis import filter_problems
from signalbox_rules.templates import compile_template
from signalbox_rules.validation import validate_document
from signalbox_rules.workflow_schema import workflow_schema
from tests.unit.rules.builders import condition, leaf, workflow
from tests.unit.rules.test_actions import made
from tests.unit.rules.test_validation import CATALOG

CHECKED_IN = Path(__file__).parents[3] / "schemas" / "catalog"
API_OPERATORS = """
equals not_equals greater_than greater_or_equal less_than less_or_equal between in not_in
contains not_contains starts_with ends_with matches is_empty is_not_empty is_true is_false
changed not_changed changed_to changed_from changed_from_to increased decreased
before after on within_last within_next older_than
"""


@pytest.mark.parametrize("name", documents())
def test_what_is_checked_in_is_what_is_generated(name: str) -> None:
    assert (CHECKED_IN / name).read_text(encoding="utf-8") == written(documents()[name]), "run make generate"


def test_nothing_else_is_checked_in_there() -> None:
    assert {path.name for path in CHECKED_IN.iterdir()} == set(documents())


def test_writing_makes_the_folder(tmp_path: Path) -> None:
    catalog.write(tmp_path / "new")
    assert json.loads((tmp_path / "new" / "operators.json").read_text(encoding="utf-8"))


def test_operators_are_those_of_the_api() -> None:
    assert sorted(operator.name for operator in OPERATORS) == sorted(API_OPERATORS.split())


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_every_operator_is_whole(operator: Any) -> None:
    assert operator.label
    assert operator.fits <= EVERY
    assert (operator.example is None) is (operator.takes is Takes.NOTHING)
    compile_condition(condition(leaf("f", operator.name, operator.example)))


def test_every_type_of_field_has_operators() -> None:
    for field_type, names in catalog.field_types().items():
        assert {"is_empty", "is_not_empty", "changed"} <= set(names), field_type


@pytest.mark.parametrize("entry", FILTERS, ids=lambda entry: entry.name)
def test_every_filter_is_whole(entry: Any) -> None:
    assert entry.label
    assert entry.name in entry.example
    compiled = compile_template(entry.example, "text")
    assert compiled.template is not None
    assert filter_problems(compiled.template, entry.example) == []


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.type)
def test_every_action_is_whole(action: Any) -> None:
    assert action.label
    assert action.description
    assert action.topic == "actions." + action.type.replace("_", "-")
    assert 0 < action.timeout_seconds <= action.timeout_seconds_max
    jsonschema.Draft202012Validator(action.parameters.model_json_schema(by_alias=True)).validate(
        dict(action.example)
    )
    assert preview(action.type, action.example, made()).problems == ()


def test_names_are_unique() -> None:
    for names in (
        [operator.name for operator in OPERATORS],
        [entry.name for entry in FILTERS],
        [action.type for action in ACTIONS],
        [module.name for module in MODULES],
    ):
        assert len(set(names)) == len(names)


def test_events_imply_events_of_their_module_completely() -> None:
    for (module, _), event in EVENTS.items():
        for implied in event.implies:
            assert set(EVENTS[module, implied].implies) <= set(event.implies)


def test_the_schema_of_a_workflow_agrees_with_the_check() -> None:
    schema = jsonschema.Draft202012Validator(workflow_schema())
    schema.check_schema(workflow_schema())
    good = workflow(
        trigger={"module": "leads", "event": "updated", "fields": ["amount"]},
        conditions={"all": [leaf("a", "equals", 1), {"not": {"any": [leaf("b", "is_empty")]}}]},
        actions=[{"type": action.type, "with": dict(action.example)} for action in ACTIONS],
    )
    schema.validate(good)
    assert validate_document(good, None)[1] == []
    for bad in (
        workflow(trigger={"module": "leads", "event": "paid"}),
        workflow(conditions=leaf("a", "is_like", 1)),
        workflow(actions=[{"type": "send_fax"}]),
        workflow(actions=[{"type": "move_stage", "with": {}}]),
        workflow(actions=[]),
        workflow(extra=1),
    ):
        assert not schema.is_valid(bad)
        assert validate_document(bad, None)[1]


def test_the_served_catalog_has_both_halves() -> None:
    served = json.loads(json.dumps(served_catalog(CATALOG)))
    assert {"triggers", "operators", "field_types", "actions", "templates", "modules", "users"} == set(served)
    assert served["modules"][0]["fields"][0] == {
        "name": "source",
        "label": "Source",
        "type": "picklist",
        "options": ["Web Form", "Phone"],
    }
    assert served["users"] == [{"id": "u-1", "name": "Bob", "email": "bob@example.com"}]
    assert served_catalog(None)["modules"] == []
