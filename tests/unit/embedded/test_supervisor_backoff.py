"""How long a dead process is waited with."""

from signalbox_embedded.supervisor import BACKOFF_FIRST_SECONDS, BACKOFF_MAX_SECONDS, backoff_seconds


def test_the_first_restart_is_at_once() -> None:
    assert backoff_seconds(1) == 0


def test_the_wait_doubles_up_to_its_limit() -> None:
    waits = [backoff_seconds(deaths) for deaths in range(2, 12)]
    assert waits[:3] == [BACKOFF_FIRST_SECONDS, BACKOFF_FIRST_SECONDS * 2, BACKOFF_FIRST_SECONDS * 4]
    assert waits[-1] == BACKOFF_MAX_SECONDS
    assert waits == sorted(waits)
