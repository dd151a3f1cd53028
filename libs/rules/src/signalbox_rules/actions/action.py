"""What an action is, to everybody but the runner that executes it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.record_catalog import RecordModule, User
from signalbox_rules.template_values import Channel
from signalbox_rules.templates import TemplateContext


@dataclass(frozen=True, slots=True)
class Template:
    """Marks a text parameter as a template, and says where its output goes."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class JsonTemplates:
    """Marks a JSON parameter: every text inside is a template for a value."""


JsonTemplate = Annotated[JsonValue, JsonTemplates()]
TextTemplate = Annotated[str, Field(max_length=262_144), Template("text")]
HtmlTemplate = Annotated[str, Field(max_length=262_144), Template("html")]
HeaderTemplate = Annotated[str, Field(max_length=2_000), Template("header")]
UrlTemplate = Annotated[str, Field(min_length=1, max_length=4_000), Template("url")]
Listed = Strict(False)
"""Lets a JSON list stand for a tuple."""


class Parameters(BaseModel):
    """The parameters of an action, as a workflow document has them under `with`."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action's parameters are rendered with: the templates' variables, the event's time, the users
    by id.
    """

    variables: TemplateContext
    event_time: datetime
    users: Mapping[str, User]


@dataclass(frozen=True, slots=True)
class Preview:
    """Rendered parameters, exactly as they would be sent. With a problem nothing may be sent."""

    parameters: dict[str, Any]
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def writes_nothing(_parameters: Any) -> tuple["Write", ...]:
    """For actions that leave the CRM's records alone."""
    return ()


def names_nothing(_parameters: Any, _module: RecordModule | None, _users: "Users") -> Iterator[Problem]:
    """For actions whose parameters name nothing of the CRM."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Write:
    """What an action changes in the CRM: a field of its record (`field`), its stage, or a new record of a
    module.

    `value` is the value written if the document says it, None if only a record will tell, or if it is
    emptied.
    """

    kind: Literal["field", "stage", "record"]
    name: str
    value: str | int | float | bool | None = None


ParameterModel = type[Parameters]
Users = Mapping[str, User]


@dataclass(frozen=True, slots=True)
class Action:
    """The description of an action: names, parameters, what it writes, and how it is rendered."""

    type: str
    label: str
    description: str
    topic: str
    parameters: ParameterModel
    example: Mapping[str, Any]
    timeout_seconds: int
    """If the definition has none."""

    timeout_seconds_max: int
    render: Callable[[Any, ActionContext], Preview]
    writes: Callable[[Any], tuple[Write, ...]] = writes_nothing
    references: Callable[[Any, RecordModule | None, Users], Iterator[Problem]] = names_nothing
    """What is wrong with what the parameters name in the CRM; pointers from the parameters."""
