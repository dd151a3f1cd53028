"""The variables of templates: what exists, and what a template may name."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from signalbox_rules.record_catalog import RecordModule

VARIABLES: Final[Mapping[str, tuple[str, ...] | None]] = MappingProxyType(
    {
        "record": None,
        "previous": None,
        "owner": ("id", "name", "email"),
        "event": ("id", "name", "module", "record_id", "time", "actor", "origin", "record"),
        "workflow": ("id", "name", "version"),
        "run": ("id",),
        "actions": None,
    }
)
"""Names, and what is inside: None where the record, or the workflow's actions, decide it."""

_RECORDS: Final = (("record",), ("previous",), ("event", "record"))


class VariableProblem(NamedTuple):
    """What is wrong with a variable."""

    detail: str
    severity: Literal["error", "warning"]


def variable_problem(
    steps: Sequence[str | int], earlier_ids: Sequence[str], module: RecordModule | None
) -> VariableProblem | None:
    """What is wrong with a variable that a template names; None if it is known, or may be there."""
    root, name = str(steps[0]), ".".join(str(step) for step in steps)
    if root not in VARIABLES:
        return VariableProblem(f"there is no variable {name!r}; there are {', '.join(VARIABLES)}", "error")
    if len(steps) == 1:
        return None
    if root == "actions":
        return _action_problem(steps, name, earlier_ids)
    inside = VARIABLES[root]
    if inside is not None and steps[1] not in (*inside, "*"):
        return VariableProblem(f"there is no variable {name!r}; {root} has {', '.join(inside)}", "error")
    for record in _RECORDS:
        if tuple(steps[: len(record)]) == record and module is not None:
            path = tuple(steps[len(record) :])
            if path and isinstance(path[0], str) and path[0] != "*" and not module.knows(path):
                return VariableProblem(
                    f"{module.name} has no field for {name!r} in the CRM's catalog", "warning"
                )
    return None


def _action_problem(
    steps: Sequence[str | int], name: str, earlier_ids: Sequence[str]
) -> VariableProblem | None:
    if steps[1] != "*" and steps[1] not in earlier_ids:
        earlier = ", ".join(earlier_ids) or "none"
        return VariableProblem(
            f"{name!r} names no earlier action of this workflow; earlier ones are: {earlier}", "error"
        )
    if len(steps) > 2 and steps[2] not in ("receipt", "*"):
        return VariableProblem(f"there is no variable {name!r}; an action has receipt", "error")
    return None
