"""Tokens in, effects and facts out, through a real runner process on a real Kafka."""

import json
import re
from pathlib import Path

from aiosmtpd.controller import Controller

from signalbox_contracts.messages import ActionFailed, ActionSucceeded, RunFailed, RunSucceeded
from signalbox_embedded.ports import free_ports
from signalbox_runtime.testing.waiting import eventually
from tests.integration.action_runner.receivers import OK, answering
from tests.integration.action_runner.stage import RunnerStage, action, running, token
from tests.integration.action_runner.threaded_receiver import threaded_receiver

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Mailbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802
        self.mails.append(envelope.content.decode())  # type: ignore[attr-defined]
        return "250 taken"


def test_a_webhook_and_a_mail_in_sequence_end_the_run(
    stage: RunnerStage, tenant: str, tmp_path: Path
) -> None:
    behave, requests = answering(OK)
    mailbox = Mailbox()
    (smtp_port,) = free_ports(1)
    smtp = Controller(mailbox, hostname="127.0.0.1", port=smtp_port)
    smtp.start()
    try:
        with threaded_receiver(behave) as port:
            hook = action(
                "webhook", {"url": f"http://127.0.0.1:{port}/leads", "body": {"lead": "{{ record.id }}"}}
            )
            mail = action(
                "send_email", {"to": ["{{ record.email }}"], "subject": "Hi", "text": "Hello"}, index=1
            )
            run = token(tenant, 1, [hook, mail])
            stage.start_run(run)
            stage.flush()
            with running(stage, tmp_path, ACTION_RUNNER_SMTP_PORT=str(smtp_port)):
                eventually(lambda: bool(ended(stage, tenant)), "the end of the run")
    finally:
        smtp.stop()
    facts = stage.histories(tenant)[run.run_id]
    assert [(fact.seq, type(fact)) for fact in facts] == [
        (2, ActionSucceeded),
        (3, ActionSucceeded),
        (4, RunSucceeded),
    ]
    assert len(requests) == 1
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"lead": "lead-1"}
    key = facts[0].effect_key  # type: ignore[attr-defined]
    assert f"Idempotency-Key: {key}".encode() in head
    assert len(mailbox.mails) == 1
    message_id = re.search(r"^Message-ID: <(\w+)@", mailbox.mails[0], re.MULTILINE)
    assert message_id is not None
    assert facts[1].effect_key.startswith(message_id[1])  # type: ignore[attr-defined]


def test_short_waits_stay_in_the_lane_and_their_facts_come_with_the_end(
    stage: RunnerStage, tenant: str, tmp_path: Path
) -> None:
    behave, requests = answering(UNAVAILABLE, UNAVAILABLE, OK)
    with threaded_receiver(behave) as port:
        run = token(tenant, 1, [action("webhook", {"url": f"http://127.0.0.1:{port}/"}, attempts=3)])
        stage.start_run(run)
        stage.flush()
        with running(stage, tmp_path):
            eventually(lambda: bool(ended(stage, tenant)), "the end of the run")
    facts = stage.histories(tenant)[run.run_id]
    assert [type(fact) for fact in facts] == [ActionFailed, ActionFailed, ActionSucceeded, RunSucceeded]
    assert [fact.seq for fact in facts] == [2, 3, 4, 5]
    assert len(requests) == 3


def test_a_failing_action_ends_the_run_with_its_error(
    stage: RunnerStage, tenant: str, tmp_path: Path
) -> None:
    behave, _ = answering(UNAVAILABLE)
    with threaded_receiver(behave) as port:
        run = token(tenant, 1, [action("webhook", {"url": f"http://127.0.0.1:{port}/"}, attempts=2)])
        stage.start_run(run)
        stage.flush()
        with running(stage, tmp_path):
            eventually(lambda: bool(ended(stage, tenant)), "the end of the run")
    last = stage.histories(tenant)[run.run_id][-1]
    assert isinstance(last, RunFailed)
    assert (last.error_type, last.error_detail) == (
        "http-status",
        f"POST http://127.0.0.1:{port}/ answered 503",
    )


def ended(stage: RunnerStage, tenant: str) -> list[str]:
    """Runs of a tenant that are over."""
    return [
        run
        for run, facts in stage.histories(tenant).items()
        if any(isinstance(fact, RunSucceeded | RunFailed) for fact in facts)
    ]
