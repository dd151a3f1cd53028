"""What can be wrong in the ledger."""


class LedgerError(Exception):
    """Something the ledger cannot do; the text says what, where, and what to do."""


class OwnershipLost(LedgerError):
    """Another instance has taken a partition over; of this one's batch nothing was kept."""
