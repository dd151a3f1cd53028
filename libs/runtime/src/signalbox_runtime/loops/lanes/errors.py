"""What can go wrong in the lanes loop by itself."""

from signalbox_runtime.errors import ServiceRefused


class UnreadableMetadata(ServiceRefused):
    """The text committed beside an offset was not written by this loop, or by a newer release of it."""
