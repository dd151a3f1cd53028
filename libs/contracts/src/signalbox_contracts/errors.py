"""What can be wrong with a message."""


class ContractError(ValueError):
    """A message or schema that does not keep to its contract; the text says what, where, and what to do."""


class UndecodableMessage(ContractError):
    """Bytes that no known schema reads."""


class InvalidEvent(ContractError):
    """A message on a crm topic that is not a usable event."""
