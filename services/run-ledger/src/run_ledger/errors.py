"""What can be wrong in the ledger."""


class LedgerError(Exception):
    """Something the ledger cannot do; the text says what, where, and what to do."""
