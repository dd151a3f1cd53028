"""What an HTTP status means for an attempt, and when a receiver wants the next one."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Verdict = Literal["success", "retryable", "permanent"]

RETRYABLE = frozenset((408, 425, 429))


def verdict(status: int) -> Verdict:
    """2xx is success; 408, 425, 429 and 5xx may pass; everything else, redirects included, stays as it is."""
    if 200 <= status <= 299:
        return "success"
    if status in RETRYABLE or 500 <= status <= 599:
        return "retryable"
    return "permanent"


def retry_after_ms(value: str | None, now_ms: int) -> int | None:
    """How long a `Retry-After` header (RFC 9110 section 10.2.3) asks to wait; None where it can't be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return int(text[:10]) * 1000
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = moment - datetime.fromtimestamp(now_ms / 1000, UTC)
    return max(0, int(wait.total_seconds() * 1000))
