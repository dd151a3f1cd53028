"""Who is next: round robin over tenants, and within a tenant over destinations. Pure."""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Items by tenant and destination, first in first out for each pair.

    A destination found closed for a tenant is set aside until `reopen`: a hundred closed ones cost nothing.
    """

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, OrderedDict[str, deque[Item]]] = OrderedDict()
        self._aside: dict[str, OrderedDict[str, deque[Item]]] = {}

    def push(self, tenant_id: str, destination: str, item: Item) -> None:
        """Adds an item behind the others of its tenant and destination."""
        aside = self._aside.get(destination)
        if aside is not None and tenant_id in aside:
            aside[tenant_id].append(item)
            return
        queues = self._tenants.setdefault(tenant_id, OrderedDict())
        queues.setdefault(destination, deque()).append(item)

    def pop(self, has_share: Callable[[str], bool], is_open: Callable[[str, str], bool]) -> Item | None:
        """The next item whose tenant may start another and whose destination takes another of it."""
        for _ in range(len(self._tenants)):
            tenant_id, queues = next(iter(self._tenants.items()))
            self._tenants.move_to_end(tenant_id)
            if not has_share(tenant_id):
                continue
            while queues:
                destination, items = next(iter(queues.items()))
                if is_open(tenant_id, destination):
                    item = items.popleft()
                    if items:
                        queues.move_to_end(destination)
                    else:
                        del queues[destination]
                        self._forget_if_empty(tenant_id)
                    return item
                self._aside.setdefault(destination, OrderedDict())[tenant_id] = queues.pop(destination)
            del self._tenants[tenant_id]
        return None

    def reopen(self, destination: str) -> None:
        """Puts a destination back that was found closed."""
        for tenant_id, items in self._aside.pop(destination, {}).items():
            self._tenants.setdefault(tenant_id, OrderedDict())[destination] = items

    def take_beyond(self, tenant_id: str, destination: str, keep: int) -> tuple[Item, ...]:
        """Takes out what waits behind the first `keep` items of a tenant and destination, in order."""
        if destination in self._tenants.get(tenant_id, ()):
            items = self._tenants[tenant_id][destination]
        elif tenant_id in self._aside.get(destination, ()):
            items = self._aside[destination][tenant_id]
        else:
            return ()
        beyond = tuple(islice(items, keep, None))
        for _ in beyond:
            items.pop()
        return beyond

    def remove(self, tenant_id: str, destination: str, items: Collection[Item]) -> None:
        """Takes given items of one tenant and destination out, wherever they wait."""
        for outer, first, second in (
            (self._tenants, tenant_id, destination),
            (self._aside, destination, tenant_id),
        ):
            inner = outer.get(first)
            if inner is None or second not in inner:
                continue
            kept = deque(item for item in inner[second] if item not in items)
            if kept:
                inner[second] = kept
            else:
                del inner[second]
                if not inner:
                    del outer[first]

    def _forget_if_empty(self, tenant_id: str) -> None:
        if not self._tenants[tenant_id]:
            del self._tenants[tenant_id]
