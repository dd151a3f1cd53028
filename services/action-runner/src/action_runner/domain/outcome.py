"""How one attempt of an action ended, as values."""

from typing import TypeAlias

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """What went wrong: a stable kind, and one sentence for people without any secret in it."""

    type: str
    detail: str


class Succeeded(msgspec.Struct, frozen=True):
    """The effect took place. `receipt` is a JSON object; `record` the record afterwards, where the CRM told
    it.
    """

    receipt: bytes
    record: bytes | None = None
    warnings: tuple[str, ...] = ()


class Retryable(msgspec.Struct, frozen=True):
    """It did not take effect, and may another time. `after_ms` is how long the other side asked to wait."""

    failure: Failure
    after_ms: int | None = None
    receipt: bytes | None = None


class Permanent(msgspec.Struct, frozen=True):
    """It did not take effect, and another try would end the same."""

    failure: Failure
    receipt: bytes | None = None


class Unknown(msgspec.Struct, frozen=True):
    """The call went out and no answer came: it may have taken effect."""

    failure: Failure
    receipt: bytes | None = None


class Postponed(msgspec.Struct, frozen=True):
    """No attempt was made: the destination takes no calls for `wait_ms`."""

    wait_ms: int
    reason: str


Outcome: TypeAlias = Succeeded | Retryable | Permanent | Unknown | Postponed
