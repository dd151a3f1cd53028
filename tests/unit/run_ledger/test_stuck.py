"""Why a run is stuck, from what its row says and how far services are behind."""

import pytest

from run_ledger.domain.stuck import Overdue, Stuck, why
from signalbox_contracts.wait_reasons import breaker_open

BEHIND = {"action-runner": 3, "delay-relay": 0}


@pytest.mark.parametrize(
    ("waiting_for", "reason", "found"),
    [
        (
            "retry",
            breaker_open("https://a failed 2.example", 5),
            ("breaker-open", "https://a failed 2.example"),
        ),
        ("retry", "POST https://erp.example failed with 500", ("service-behind", "action-runner")),
        ("retry", None, ("service-behind", "action-runner")),
        ("crm", None, ("crm-answer-missing", "webhook")),
    ],
)
def test_only_the_runners_own_reason_names_a_breaker(
    waiting_for: str, reason: str | None, found: tuple[str, str]
) -> None:
    stuck = why(Overdue("waiting", waiting_for, "webhook", reason), BEHIND)
    assert stuck == Stuck(found[0], found[1])  # type: ignore[arg-type]
