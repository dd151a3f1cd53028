"""The running system and the receiver of the end-to-end tests."""

from tests.e2e.conftest import receiver, system

__all__ = ["receiver", "system"]
