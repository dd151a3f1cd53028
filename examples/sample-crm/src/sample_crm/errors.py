"""Why the CRM does not do what it is asked."""

from typing import Literal, TypeAlias

Code: TypeAlias = Literal[
    "unknown-record",
    "unknown-field",
    "read-only-field",
    "invalid-value",
    "unknown-stage",
    "no-next-stage",
    "no-stages",
    "unknown-user",
    "closed-record",
    "wrong-status",
    "invalid-parameters",
    "unknown-command",
    "told-to-reject",
]


class Refused(Exception):
    """The change is not possible. `reason` is for people, `field` names what it is about, if anything."""

    def __init__(self, code: Code, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.field = field
