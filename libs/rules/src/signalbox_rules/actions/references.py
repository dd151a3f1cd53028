"""What parameters name in the CRM: users, fields, stages. Without a catalog nothing is said about them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.mail.recipients import is_recipient
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import text_key
from signalbox_rules.record_catalog import RecordModule, User
from signalbox_rules.templates import has_template


def is_fixed(source: Any) -> bool:
    """Is it text without a template in it?"""
    return isinstance(source, str) and not has_template(source)


def recipient_problems(sources: Sequence[str], pointer: str, users: Mapping[str, User]) -> Iterator[Problem]:
    """Recipients of a mail that are neither addresses nor users."""
    for index, source in enumerate(sources):
        if users and is_fixed(source) and not is_recipient(source) and source.strip() not in users:
            yield Problem(f"{pointer}/{index}", f"{source!r} is neither a mail address nor the id of a user")


def user_problems(source: str | None, pointer: str, users: Mapping[str, User]) -> Iterator[Problem]:
    """An id of a user that the CRM does not have."""
    if users and source is not None and is_fixed(source) and source.strip() not in users:
        yield Problem(pointer, f"{source!r} is not the id of a user in the CRM's catalog")


def users_problems(sources: Sequence[str], pointer: str, users: Mapping[str, User]) -> Iterator[Problem]:
    """The same of a list of ids."""
    for index, source in enumerate(sources):
        yield from user_problems(source, f"{pointer}/{index}", users)


def field_problems(field: str | None, pointer: str, module: RecordModule | None) -> Iterator[Problem]:
    """Fields that the CRM did not publish."""
    if module is not None and field is not None and not module.knows(parse_path(field)):
        yield Problem(pointer, f"{module.name} has no field {field!r} in the CRM's catalog", "warning")


def option_problems(field: str, value: Any, pointer: str, module: RecordModule | None) -> Iterator[Problem]:
    """Values that a pick list does not have."""
    if module is None or not is_fixed(value) or not value:
        return
    options = module.options_of(parse_path(field))
    if options and text_key(value) not in {text_key(option) for option in options}:
        yield Problem(pointer, f"{value!r} is not a value of {field}; there are {', '.join(options)}")


def stage_problems(stages: Sequence[str], pointer: str, module: RecordModule | None) -> Iterator[Problem]:
    """Stages that the module's pipeline does not have."""
    if module is None or not module.stages:
        return
    known = {text_key(stage) for stage in module.stages}
    for stage in stages:
        if is_fixed(stage) and text_key(stage) not in known:
            yield Problem(
                pointer, f"{stage!r} is not a stage of {module.name}; there are {', '.join(module.stages)}"
            )
