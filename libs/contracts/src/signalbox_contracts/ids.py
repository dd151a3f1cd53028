"""Identifiers: lanes, run ids and effect keys. All are functions of what they identify."""

import hashlib
from uuid import UUID

OLDEST_BELIEVED_MS = 31 * 86_400_000
NEWEST_BELIEVED_MS = 5 * 60_000


def lane(tenant_id: str, module: str, record_id: str) -> bytes:
    """The Kafka key of everything about one record. It is compared, never parsed."""
    return f"{tenant_id}/{module}/{record_id}".encode()


def digest(*parts: str) -> bytes:
    """SHA-256 over `parts`, each preceded by its length, so that no two lists of parts collide by joining."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode()
        sha.update(len(data).to_bytes(4, "big"))
        sha.update(data)
    return sha.digest()


def run_time_ms(occurred_at_ms: int, appended_at_ms: int) -> int:
    """The time a run id carries: when the event happened, if that is believable, else when Kafka got it.

    Believable is from 31 days before the append time to 5 minutes after it, so that a publisher's
    wrong clock can't put runs into months nobody looks at.
    """
    believable = appended_at_ms - OLDEST_BELIEVED_MS <= occurred_at_ms <= appended_at_ms + NEWEST_BELIEVED_MS
    return occurred_at_ms if believable else appended_at_ms


def run_id(time_ms: int, tenant_id: str, event_id: str, workflow_id: str, retry_number: int = 0) -> str:
    """UUIDv8 (RFC 9562 section 5.8): 48 bits of `time_ms`, then 74 bits of SHA-256 of the rest.

    The same event and workflow give the same run, so a repeated event can't start a second one.
    """
    bits = int.from_bytes(digest(tenant_id, event_id, workflow_id, str(retry_number))[:10], "big")
    value = (time_ms & 0xFFFF_FFFF_FFFF) << 80 | bits
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def run_id_time_ms(run: str) -> int:
    """The time a run id carries, in ms since 1970. `run` is as `run_id` writes it."""
    return int(run[:8] + run[9:13], 16)


def effect_key(tenant_id: str, event_id: str, workflow_id: str, action_id: str, key_generation: int) -> str:
    """What makes a repeat of an effect recognisable: 64 hex digits, with no time and no run id in it."""
    return digest(tenant_id, event_id, workflow_id, action_id, str(key_generation)).hex()


def parameters_hash(action_type: str, parameters: bytes) -> str:
    """SHA-256 of an action's type and unrendered parameters, 64 hex digits: equal means the same action."""
    return digest(action_type, parameters.decode()).hex()
