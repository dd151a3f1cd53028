"""`signalbox dead-letters` on a real Kafka."""

import pytest
from click.testing import CliRunner

from signalbox_contracts import topics
from signalbox_embedded.cli.dead_letters import dead_letters
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION
from signalbox_runtime.loops.dead_letters import dead_letter
from signalbox_runtime.records import Inbound
from tests.integration.action_runner.stage import RunnerStage


def test_a_letter_is_listed_shown_and_redriven_once(
    stage: RunnerStage, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS", stage.options[BOOTSTRAP_OPTION])
    key = f"{tenant}/leads/lead-1".encode()
    source = Inbound(
        topic="crm.leads", partition=2, offset=7, timestamp_ms=0, key=key, value=b"\x00garbage", headers=()
    )
    letter = dead_letter(source, "trigger-router", f"Not an event of {tenant}.", 1_795_428_000_000)
    assert letter.key is not None
    assert letter.value is not None
    stage.publish(topics.DEAD_LETTERS, letter.key, letter.value, letter.headers)
    stage.flush()

    def ask(*words: str) -> str:
        answer = CliRunner().invoke(dead_letters, words, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    listed = ask("list", "--text", tenant)
    assert "crm.leads-2@7" in listed
    place = listed.split()[0]
    shown = ask("show", place)
    assert f"Not an event of {tenant}." in shown
    assert "\\x00garbage" in shown
    assert "would send to crm.leads" in ask("redrive", "--text", tenant, "--dry-run")
    assert [record for record in stage.records("crm.leads") if record.key == key] == []

    assert "sent to crm.leads" in ask("redrive", place)
    assert "Nothing to redrive" in ask("redrive", place)
    (again,) = [record for record in stage.records("crm.leads") if record.key == key]
    assert (again.value, again.headers) == (b"\x00garbage", ())
    assert "No dead letter matches" in ask("list", "--text", tenant)
    assert "redriven" in ask("list", "--text", tenant, "--all")
