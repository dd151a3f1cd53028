"""A workflow document: what people write, what a version stores, what every service reads.

Only its shape is fixed here. What it means (which triggers, operators and actions exist, and what their
parameters
may be) is `signalbox_rules`. Values are frozen; unknown keys are refused.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Strict,
    Tag,
    ValidationError,
)

from signalbox_contracts.definitions.durations import parse_duration
from signalbox_contracts.definitions.ids import assign_action_ids
from signalbox_contracts.definitions.limits import shape_problems
from signalbox_contracts.definitions.problems import located_details

ACTIONS_MAX: Final = 50
DESCRIPTION_MAX: Final = 4_000  # characters
GROUP_MAX: Final = 200  # members of one group
TIMEOUT_SECONDS_MAX: Final = 7 * 86_400  # how long a CRM may take to answer a command
BACKOFF_SECONDS_MAX: Final = 7 * 86_400
ATTEMPTS_MAX: Final = 50

FORMAT: Final = 1
"""The format of the document. What a stored version means never changes within a format."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a workflow document; `pointer` is a JSON pointer into it as the user
    wrote it.
    """

    pointer: str
    detail: str
    severity: Literal["error", "warning"] = "error"


class InvalidDefinition(ValueError):
    """A workflow document is not one. `problems` has all of them, each with its place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "; ".join(f"{problem.pointer or 'the document'} {problem.detail}" for problem in problems[:5])
        )
        self.problems = problems


def _fixed_duration(longest_seconds: int) -> AfterValidator:
    def check(text: str) -> str:
        duration = parse_duration(text)
        if duration.months or not 0 < duration.fixed.total_seconds() <= longest_seconds:
            raise ValueError(
                f"{text} is out of range; allowed is more than nothing and at most {longest_seconds} "
                "seconds, in weeks, days, hours, minutes or seconds (PT15S, PT10M, P1D)"
            )
        return text

    return AfterValidator(check)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Frozen = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_FieldPath = Annotated[str, Field(min_length=1, max_length=200)]
_Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    Strict(False),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=50),
]


class Trigger(BaseModel):
    """When a workflow starts: an event of a module, optionally narrowed to changed fields or stages."""

    model_config = _Frozen

    module: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
    event: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
    fields: _Texts | None = None
    from_: _Texts | None = Field(default=None, alias="from")
    to: _Texts | None = None


class Comparison(BaseModel):
    """A leaf: the value at a path of the record, an operator, and what it is compared with."""

    model_config = _Frozen

    field: _FieldPath
    op: Annotated[str, Field(min_length=1, max_length=60)]
    value: JsonValue = None


class AllOf(BaseModel):
    """Holds if every member holds; an empty group holds."""

    model_config = _Frozen

    all: Annotated[tuple["Condition", ...], Strict(False), Field(max_length=GROUP_MAX)]


class AnyOf(BaseModel):
    """Holds if at least one member holds; an empty group does not."""

    model_config = _Frozen

    any: Annotated[tuple["Condition", ...], Strict(False), Field(max_length=GROUP_MAX)]


class Not(BaseModel):
    """Holds if its member does not."""

    model_config = _Frozen

    not_: "Condition" = Field(alias="not")


def _branch(value: object) -> str:
    if isinstance(value, dict):
        for key in ("all", "any", "not"):
            if key in value:
                return f"<{key}>"
        return "<comparison>"
    match value:
        case AllOf():
            return "<all>"
        case AnyOf():
            return "<any>"
        case Not():
            return "<not>"
        case _:
            return "<comparison>"


type_of_condition = Discriminator(_branch)
Condition = Annotated[
    Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Comparison, Tag("<comparison>")],
    type_of_condition,
]


class RetryPolicy(BaseModel):
    """How often and how patiently an action is tried; a backoff grows by `factor` up to `max_backoff`."""

    model_config = _Frozen

    attempts: Annotated[int, Field(ge=1, le=ATTEMPTS_MAX)] = 5
    first_backoff: Annotated[str, _fixed_duration(BACKOFF_SECONDS_MAX)] = "PT1S"
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    max_backoff: Annotated[str, _fixed_duration(BACKOFF_SECONDS_MAX)] = "PT10M"


class ActionDefinition(BaseModel):
    """One step: its type, its parameters (templates inside), and what to do when it fails or its outcome is
    unknown.
    """

    model_config = _Frozen

    type: Annotated[str, Field(min_length=1, max_length=60)]
    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    timeout: Annotated[str, _fixed_duration(TIMEOUT_SECONDS_MAX)] | None = None
    retry: RetryPolicy = RetryPolicy()
    on_failure: Literal["stop", "continue"] = "stop"
    on_unknown: Literal["resend", "hold"] = "resend"


class WorkflowDefinition(BaseModel):
    """A whole workflow document, as api.md shows it."""

    model_config = _Frozen

    format: Literal[1] = FORMAT
    name: _Name
    description: Annotated[str, Field(max_length=DESCRIPTION_MAX)] = ""
    trigger: Trigger
    conditions: Condition | None = None
    actions: Annotated[
        tuple[ActionDefinition, ...], Strict(False), Field(min_length=1, max_length=ACTIONS_MAX)
    ]
    reentry: Literal["avoid", "allow"] = "avoid"


AllOf.model_rebuild()
AnyOf.model_rebuild()
Not.model_rebuild()


_ALLOWED_KEYS: Final = (
    ("", "name, description, trigger, conditions, actions, reentry"),
    ("trigger", "module, event, fields, from, to"),
    ("actions", "type, id, with, timeout, retry, on_failure, on_unknown"),
    ("retry", "attempts, first_backoff, factor, max_backoff"),
    ("conditions", "all, any, not, or field, op, value"),
    ("all", "all, any, not, or field, op, value"),
    ("any", "all, any, not, or field, op, value"),
    ("not", "all, any, not, or field, op, value"),
)


def parse_definition(document: object) -> WorkflowDefinition:
    """The definition that a workflow document (JSON or YAML, already read) stands for.

    Actions without an id are given one. Raises InvalidDefinition with every problem of its shape.
    """
    broken_limits = shape_problems(document)
    if broken_limits:
        raise InvalidDefinition([Problem(*problem) for problem in broken_limits])
    try:
        definition = WorkflowDefinition.model_validate(assign_action_ids(document))
    except ValidationError as error:
        raise InvalidDefinition(
            [Problem(*located) for located in located_details(error, _ALLOWED_KEYS)]
        ) from None
    repeated = _repeated_ids(definition)
    if repeated:
        raise InvalidDefinition(repeated)
    return definition


def _repeated_ids(definition: WorkflowDefinition) -> list[Problem]:
    first_places: dict[str, int] = {}
    problems = []
    for index, action in enumerate(definition.actions):
        first = first_places.setdefault(action.id, index)
        if first != index:
            problems.append(
                Problem(f"/actions/{index}/id", f"{action.id!r} is already the id of action {first}")
            )
    return problems


def to_bytes(definition: WorkflowDefinition) -> bytes:
    """The canonical JSON of a definition: every key written out, sorted, so equal definitions have equal
    bytes.
    """
    return msgspec.json.encode(definition.model_dump(mode="json", by_alias=True), order="deterministic")


def from_bytes(data: bytes) -> WorkflowDefinition:
    """Read `to_bytes` back. Raises InvalidDefinition if the bytes are not a definition."""
    try:
        return WorkflowDefinition.model_validate_json(data)
    except ValidationError as error:
        raise InvalidDefinition(
            [Problem(*located) for located in located_details(error, _ALLOWED_KEYS)]
        ) from None


def to_document(definition: WorkflowDefinition) -> dict[str, JsonValue]:
    """The definition as a person would write it: what is left at its default is left out, ids stay."""
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
