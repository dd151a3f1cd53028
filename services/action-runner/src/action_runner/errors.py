"""What the action runner refuses."""


class ActionRunnerError(ValueError):
    """Something the runner can't use; the text says what, where, and what to do."""


class UnusableAnswer(ActionRunnerError):
    """A CrmCommandResult that doesn't bring back a run of ours; it goes to dead letters."""


class RefusedTarget(ActionRunnerError):
    """A URL, address or header that no webhook may use."""


class RefusedMail(ActionRunnerError):
    """A mail that can't be composed: a header with a line break, or something that is no address."""


class UnresolvedName(ActionRunnerError):
    """A host name without an address, for now."""
