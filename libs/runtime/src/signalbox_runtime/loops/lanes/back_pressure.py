"""Which partitions rest because this process holds enough. Pure."""

from collections.abc import Mapping

from signalbox_runtime.records import TopicPartition

PAUSE_AT = 0.75
RESUME_AT = 0.5


def resting(
    held: Mapping[TopicPartition, int], held_max: int, before: frozenset[TopicPartition]
) -> frozenset[TopicPartition]:
    """The partitions to pause, given how many records are held of each and which were paused before.

    From 75 % of `held_max` on, those that hold at least their even share rest, so that one stuck record
    with a long queue behind it does not stop the other partitions; at 100 % all. Below 50 % none.
    """
    total = sum(held.values())
    if total >= held_max:
        return frozenset(held)
    if total < held_max * RESUME_AT:
        return frozenset()
    share = total / max(1, sum(1 for count in held.values() if count))
    kept = frozenset(name for name in before if held.get(name, 0) >= share / 2)
    if total < held_max * PAUSE_AT:
        return kept
    return kept | {name for name, count in held.items() if count and count >= share}
