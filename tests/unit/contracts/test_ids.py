"""Identifiers, against values worked out from their definitions by other means."""

import hashlib
from uuid import RFC_4122, UUID

import pytest

from signalbox_contracts import ids

NOW = 1_795_428_000_000
DAY_MS = 86_400_000


def test_a_lane_is_tenant_module_and_record() -> None:
    assert ids.lane("acme", "leads", "lead-42") == b"acme/leads/lead-42"
    assert ids.lane("acme", "leads", "ä/42") == "acme/leads/ä/42".encode()


def test_the_digest_is_over_lengths_and_parts() -> None:
    expected = hashlib.sha256(b"\0\0\0\x01a\0\0\0\0\0\0\0\x02bc").digest()

    assert ids.digest("a", "", "bc") == expected


def test_a_run_id_is_a_version_8_uuid_of_its_time() -> None:
    run = ids.run_id(NOW, "demo", "evt-1", "wf-1")

    assert UUID(run).version == 8
    assert UUID(run).variant == RFC_4122
    assert UUID(run).int >> 80 == NOW
    assert ids.run_id_time_ms(run) == NOW


def test_a_run_id_is_the_same_on_every_machine() -> None:
    # A change of this value would start a second run for every event repeated across a deploy.
    assert ids.run_id(NOW, "demo", "evt-1", "wf-1") == RUN_ID


def test_a_retry_has_another_run_id() -> None:
    assert ids.run_id(NOW, "demo", "evt-1", "wf-1", 1) != ids.run_id(NOW, "demo", "evt-1", "wf-1")


def test_an_effect_key_is_the_same_on_every_machine() -> None:
    assert ids.effect_key("demo", "evt-1", "wf-1", "welcome", 0) == EFFECT_KEY


@pytest.mark.parametrize(
    ("occurred_at_ms", "believed"),
    [
        (NOW - 31 * DAY_MS, True),
        (NOW - 31 * DAY_MS - 1, False),
        (NOW + 5 * 60_000, True),
        (NOW + 5 * 60_000 + 1, False),
        (NOW, True),
        (1, False),
    ],
)
def test_the_time_of_an_event_is_believed_within_31_days_and_5_minutes(
    occurred_at_ms: int, believed: bool
) -> None:
    assert ids.run_time_ms(occurred_at_ms, NOW) == (occurred_at_ms if believed else NOW)


def test_the_parameters_hash_knows_type_and_parameters() -> None:
    hashes = {
        ids.parameters_hash("send_email", b'{"a":1}'),
        ids.parameters_hash("send_email", b'{"a":2}'),
        ids.parameters_hash("webhook", b'{"a":1}'),
    }
    assert len(hashes) == 3
    assert {len(each) for each in hashes} == {64}


RUN_ID = "01a207d9-2100-8017-9cc6-f2985c7170ce"
EFFECT_KEY = "1046cfb40384752b8b96bda1ed5621d7d1d0e0c999149d4c862efaf53f588b93"
