"""Short ways to the values that tests of the rules need."""

from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from signalbox_contracts.definitions.document import Condition, WorkflowDefinition, parse_definition
from signalbox_rules.conditions import CompiledCondition, compile_condition
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def condition(document: Any) -> Condition:
    """The condition that a document stands for."""
    return _CONDITION.validate_python(document)


def compiled(document: Any) -> CompiledCondition:
    """The same, compiled."""
    return compile_condition(condition(document))


def context(record: Any, previous: Any = NOT_PUBLISHED) -> RecordContext:
    """A record at NOW."""
    return RecordContext(record, previous, NOW)


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    """The document of a comparison."""
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


def workflow(**changes: Any) -> dict[str, Any]:
    """The document of a small valid workflow."""
    document = {
        "name": "Welcome",
        "trigger": {"module": "leads", "event": "created"},
        "actions": [{"type": "change_field", "with": {"field": "priority", "value": "High"}}],
    }
    return {**document, **changes}


def definition(**changes: Any) -> WorkflowDefinition:
    """The same, read."""
    return parse_definition(workflow(**changes))
