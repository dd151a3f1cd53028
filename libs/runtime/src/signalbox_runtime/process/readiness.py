"""Whether a service can do its work now, and if not, why: named conditions that anybody may set."""

import threading
from typing import Final

CONSUMING_CONDITION: Final = "consuming"
"""Its loop gets records and gets rid of what they lead to."""
DATABASE_CONDITION: Final = "database"
"""PostgreSQL answers. While this is unmet, every route under /v1 answers 503 with the reason."""


class Readiness:
    """Conditions by name. One is known from its first `unmet`; the service is ready when none is unmet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unmet: dict[str, str] = {}

    def unmet(self, condition: str, reason: str) -> None:
        """`condition` does not hold; `reason` is a sentence for people."""
        with self._lock:
            self._unmet[condition] = reason

    def met(self, condition: str) -> None:
        """`condition` holds."""
        with self._lock:
            self._unmet.pop(condition, None)

    def reasons(self) -> dict[str, str]:
        """Why the service is not ready, by condition; empty when it is."""
        with self._lock:
            return dict(self._unmet)

    @property
    def is_ready(self) -> bool:
        return not self.reasons()
