"""The places of destinations: who has them, who may have another, which does not answer. Pure."""

from collections import Counter
from itertools import islice
from typing import Generic, TypeVar

from signalbox_runtime.loops.lanes.handler import LaneLimits

Call = TypeVar("Call")

RESERVED_PART = 10
"""One place in so many is kept for a tenant that has none there yet: a newcomer does not wait for a call of
another tenant, which may take two minutes."""
AVERAGED_CALLS = 16
"""The average of the durations is over about so many calls."""


class Places(Generic[Call]):
    """Calls that run, by destination. A destination without any is forgotten, and what was known of it."""

    def __init__(self, limits: LaneLimits) -> None:
        self._limits = limits
        self._reserved = limits.destination_in_flight_max // RESERVED_PART
        self._destinations: dict[str, _Destination[Call]] = {}

    def take(self, tenant_id: str, destination: str, call: Call, now_ms: int) -> None:
        """A call begins."""
        place = self._destinations.get(destination)
        if place is None:
            place = self._destinations[destination] = _Destination()
        place.running[call] = now_ms
        place.of_tenant[tenant_id] += 1

    def give_back(self, tenant_id: str, destination: str, call: Call, now_ms: int) -> None:
        """A call ended."""
        place = self._destinations[destination]
        took_ms = now_ms - place.running.pop(call)
        place.call_ms += (took_ms - place.call_ms) / AVERAGED_CALLS
        place.of_tenant[tenant_id] -= 1
        if not place.of_tenant[tenant_id]:
            del place.of_tenant[tenant_id]
            if not place.running:
                del self._destinations[destination]

    def is_open(self, tenant_id: str, destination: str) -> bool:
        """Whether the tenant may have one more place there.

        Tenants that call a destination at the same time have equal shares of it.
        """
        place = self._destinations.get(destination)
        if place is None:
            return True
        places = self._limits.destination_in_flight_max
        if len(place.running) >= places:
            return False
        mine = place.of_tenant.get(tenant_id, 0)
        tenants = len(place.of_tenant) + (not mine)
        return mine < max(1, (places - self._reserved) // tenants)

    def is_unresponsive(self, destination: str, now_ms: int) -> bool:
        """Whether it has not been answering for a while; to be asked again and again."""
        place = self._destinations.get(destination)
        if place is None:
            return False
        if place.answer_ms(now_ms) < self._limits.unanswered_ms:
            place.unresponsive_since_ms = None
            return False
        if place.unresponsive_since_ms is None:
            place.unresponsive_since_ms = now_ms
        return now_ms - place.unresponsive_since_ms >= self._limits.unanswered_ms

    def ms_per_answer(self, destination: str, now_ms: int) -> float:
        """The time from one answer to the next while all places are taken."""
        place = self._destinations.get(destination)
        if place is None:
            return 0.0
        return place.answer_ms(now_ms) / self._limits.destination_in_flight_max


class _Destination(Generic[Call]):
    __slots__ = ("call_ms", "of_tenant", "running", "unresponsive_since_ms")

    def __init__(self) -> None:
        self.running: dict[Call, int] = {}
        """When each began, the oldest first."""
        self.of_tenant: Counter[str] = Counter()
        self.call_ms = 0.0
        """How long calls took, on average of the latest."""
        self.unresponsive_since_ms: int | None = None

    def answer_ms(self, now_ms: int) -> float:
        """How long a call takes: as the latest did, or as half of those that run have been at least."""
        middle = next(islice(self.running.values(), len(self.running) // 2, None), now_ms)
        return max(self.call_ms, float(now_ms - middle))
