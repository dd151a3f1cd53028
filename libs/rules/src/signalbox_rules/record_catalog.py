"""What a tenant's CRM says of itself on `crm.catalog`: fields with types and pick lists, stages, users."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec

from signalbox_rules.errors import RulesError
from signalbox_rules.paths import Path

_WITHOUT_PARTS: Final = frozenset({"number", "money", "boolean", "date", "datetime"})


@dataclass(frozen=True, slots=True)
class RecordField:
    """A field of a module: dotted name, type (an unknown one is treated as text), label, allowed values if
    a pick list.
    """

    name: str
    type: str
    label: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A user of the CRM."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class RecordModule:
    """The fields of a module by name, and its stages in order."""

    name: str
    fields: Mapping[str, RecordField]
    stages: tuple[str, ...] = ()

    def field_at(self, path: Path) -> RecordField | None:
        """The field a path names, if the catalog describes exactly it."""
        return self.fields.get(".".join(str(step) for step in path))

    def options_of(self, path: Path) -> tuple[str, ...]:
        """The values that a field may have; empty if any, or if the catalog does not say. Stages are those of
        the field `stage`.
        """
        field = self.field_at(path)
        return (field.options if field is not None else ()) or (self.stages if path == ("stage",) else ())

    def knows(self, path: Path) -> bool:
        """Is there such a field, or one that the path leads into or to? Every record has an id."""
        if path[0] == "id" or self.field_at(path) is not None:
            return True
        for length in range(1, len(path)):
            around = self.field_at(path[:length])
            if around is not None:
                return around.type not in _WITHOUT_PARTS
        inside = ".".join(str(step) for step in path) + "."
        return any(name.startswith(inside) for name in self.fields)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All a tenant's CRM published; empty parts are parts it did not publish, about which nothing is
    claimed.
    """

    modules: Mapping[str, RecordModule] = field(default_factory=lambda: MappingProxyType({}))
    users: Mapping[str, User] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_json(cls, modules: Iterable[bytes], users: bytes | None = None) -> "Catalog":
        """From the JSON documents of each module and of the users. Raises RulesError if one is not
        readable.
        """
        read = [module_from_json(document) for document in modules]
        people = users_from_json(users) if users is not None else ()
        return cls(
            MappingProxyType({module.name: module for module in read}),
            MappingProxyType({user.id: user for user in people}),
        )


class _Option(msgspec.Struct):
    value: str


class _Field(msgspec.Struct):
    name: str
    type: str = "text"
    label: str | None = None
    options: list[str | _Option] = []


class _Module(msgspec.Struct):
    module: str
    fields: list[_Field] = []
    stages: list[str] = []


class _User(msgspec.Struct):
    id: str
    name: str = ""
    email: str = ""


def module_from_json(document: bytes) -> RecordModule:
    """`{"module", "fields": [{"name", "type", "label", "options"?}], "stages"?}` as a value. Raises
    RulesError.
    """
    try:
        module = msgspec.json.decode(document, type=_Module)
    except msgspec.DecodeError as error:
        raise RulesError(f"a catalog document of a module is not readable: {error}") from None
    fields = {
        field.name: RecordField(
            field.name, field.type, field.label or field.name, tuple(map(_option, field.options))
        )
        for field in module.fields
    }
    return RecordModule(module.module, MappingProxyType(fields), tuple(module.stages))


def _option(option: str | _Option) -> str:
    return option if isinstance(option, str) else option.value


def users_from_json(document: bytes) -> tuple[User, ...]:
    """`[{"id", "name", "email"}]` as values. Raises RulesError."""
    try:
        users = msgspec.json.decode(document, type=list[_User])
    except msgspec.DecodeError as error:
        raise RulesError(f"the catalog document of the users is not readable: {error}") from None
    return tuple(User(user.id, user.name, user.email) for user in users)
