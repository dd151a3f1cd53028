"""What the action runner refuses."""

from typing import ClassVar


class ActionRunnerError(ValueError):
    """Something the runner can't use; the text says what, where, and what to do."""

    failure_type: ClassVar[str] = "refused"
    """The stable kind of the failure that an action ends with."""


class UnusableAnswer(ActionRunnerError):
    """A CrmCommandResult that doesn't bring back a run of ours; it goes to dead letters."""

    failure_type = "unusable-answer"


class RefusedTarget(ActionRunnerError):
    """A URL, address or header that no webhook may use."""

    failure_type = "webhook-refused"


class UnfitMail(ActionRunnerError):
    """A mail that can't be composed: a header with a line break, or something that is no address."""

    failure_type = "mail-refused"


class MissingSecret(ActionRunnerError):
    """A secret that a workflow names and that is not there, or can't be read with this process's key."""

    failure_type = "secret-missing"


class UnresolvedName(ActionRunnerError):
    """A host name without an address, for now."""

    failure_type = "name-unresolved"


class UnfitToken(ActionRunnerError):
    """A token that reads but can't be executed; it goes to dead letters, and its run ends."""

    failure_type = "dead-letter"
