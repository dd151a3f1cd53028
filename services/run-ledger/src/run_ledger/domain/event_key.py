"""Where an event's bytes are kept: once for all its runs, in the partition of their time."""

import hashlib


def event_key(run_id: str, tenant_id: str, event_id: str) -> str:
    """A UUIDv8 of the time in `run_id` and a hash of the event: the same for every run of the event.

    A Retry has a time of its own, and so a copy of its own, which lives as long as the Retry's row.
    """
    digest = hashlib.blake2b(f"{len(tenant_id)}:{tenant_id}{event_id}".encode(), digest_size=9).hexdigest()
    return f"{run_id[:14]}8{digest[:3]}-8{digest[3:6]}-{digest[6:]}"
