"""What can go wrong on the way to a running system, each in one sentence for the person at the terminal."""


class EmbeddedError(Exception):
    """Signalbox can't go on; the message says what is wrong, where, and what to do."""


class JarRefusedError(EmbeddedError):
    """A downloaded file isn't the one the lock names."""


class ProcessEndedError(EmbeddedError):
    """A process ended before it was ready; the message carries the end of its log."""
