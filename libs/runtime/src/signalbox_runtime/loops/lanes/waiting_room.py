"""Records that wait undecoded, by tenant: what is held beyond a tenant's share of the decoded ones. Pure.

A token takes ten times as much memory decoded as it does as bytes, so a tenant's 20,000 tokens can be held,
and another's, which stands behind them in the log, is still reached.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection

from signalbox_runtime.loops.lanes.progress import Delivery
from signalbox_runtime.records import TopicPartition


class WaitingRoom:
    """First in, first out for each tenant, so the order within a lane stays; tenants take turns."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, deque[Delivery]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, tenant_id: object) -> bool:
        return tenant_id in self._tenants

    def enter(self, tenant_id: str, delivery: Delivery) -> None:
        """Puts a record behind the others of its tenant."""
        self._tenants.setdefault(tenant_id, deque()).append(delivery)
        self._count += 1

    def next(self, has_room: Callable[[str], bool]) -> Delivery | None:
        """Takes the next record whose tenant may have another one decoded."""
        for _ in range(len(self._tenants)):
            tenant_id, waiting = next(iter(self._tenants.items()))
            self._tenants.move_to_end(tenant_id)
            if has_room(tenant_id):
                delivery = waiting.popleft()
                self._count -= 1
                if not waiting:
                    del self._tenants[tenant_id]
                return delivery
        return None

    def drop(self, names: Collection[TopicPartition]) -> None:
        """Forgets the records of partitions that went."""
        plain = {(name.topic, name.partition) for name in names}
        kept: OrderedDict[str, deque[Delivery]] = OrderedDict()
        for tenant_id, waiting in self._tenants.items():
            stay = deque(delivery for delivery in waiting if _place(delivery) not in plain)
            if stay:
                kept[tenant_id] = stay
        self._tenants = kept
        self._count = sum(map(len, kept.values()))


def _place(delivery: Delivery) -> tuple[str, int]:
    return delivery.inbound.topic, delivery.inbound.partition
