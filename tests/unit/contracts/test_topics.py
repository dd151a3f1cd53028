"""Names of topics, and what is refused in their declarations."""

import msgspec
import pytest

from signalbox_contracts import topics
from signalbox_contracts.topics import MessageVersions, Topic


def test_names_follow_the_kind() -> None:
    assert topics.action_topic("send_email") == "actions.send-email"
    assert topics.action_topic("webhook") == "actions.webhook"
    assert topics.crm_topic("leads") == "crm.leads"


def test_delay_buckets_are_in_order_of_their_length() -> None:
    lengths = list(topics.DELAY_BUCKETS_MS.values())

    assert lengths == sorted(lengths)
    assert lengths[0] == 1_000
    assert lengths[-1] == 86_400_000


def test_a_topic_declaration_with_an_unknown_entry_is_refused() -> None:
    declared = {
        "name": "x",
        "description": "",
        "key": "lane",
        "partitions": "lane",
        "cleanup": "delete",
        "max_message_bytes": 1,
        "timestamp": "CreateTime",
        "messages": {},
        "producers": [],
        "consumers": {},
        "retention_milliseconds": 5,
    }
    with pytest.raises(msgspec.ValidationError, match="retention_milliseconds"):
        msgspec.convert(declared, Topic)


def test_one_message_has_one_write_version_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (
        msgspec.structs.replace(
            topic, messages={"CrmEvent": MessageVersions(readable=(1, 2), write_version=version)}
        )
        for version, topic in enumerate(topics.all_topics()[:2], start=1)
    )
    monkeypatch.setattr(topics, "all_topics", lambda: (one, two))

    with pytest.raises(LookupError, match=r"one write_version for CrmEvent; found \[1, 2\]"):
        topics.write_version.__wrapped__("CrmEvent")
