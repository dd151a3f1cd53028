"""Texts that take long hold nobody up: they are rendered beside the loop, within one budget."""

import inspect
import json
from typing import Any

import pytest

from action_runner.handler import ToCancel, ToRender
from signalbox_contracts.messages import ActionFailed, ActionSucceeded, RunCanceled, RunCancelRequested
from tests.unit.action_runner.test_handler import Stage, hook
from tests.unit.action_runner.tokens import token

LONG = "{% for i in (1..2000) %}{% assign x = i | number: 12, 'ar_EG' %}{% endfor %}done"
ENDLESS = "{% for i in (1..9999) %}" + "{% assign x = i | number: 12, 'ar_EG' %}" * 7 + "{% endfor %}"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def webhook(body: Any) -> Any:
    return token(hook(parameters={"body": body}))


async def test_a_long_text_is_rendered_beside_the_loop_and_sent(stage: Stage) -> None:
    run = webhook({"text": LONG})
    assert isinstance(stage.handler.accept(stage.inbound("actions.webhook", run)).content, ToRender)
    facts = await stage.run(run)
    assert isinstance(facts[0][1], ActionSucceeded)
    assert json.loads(stage.http.requests[0].body) == {"text": "done"}


async def test_eighty_endless_texts_end_their_own_run(stage: Stage) -> None:
    """26 KB of such templates ended the runner every minute, for ever."""
    facts = await stage.run(webhook([ENDLESS] * 80))
    failed = facts[0][1]
    assert isinstance(failed, ActionFailed)
    assert failed.error_type == "parameters"
    assert "too long to render" in (failed.error_detail or "") or "loops more" in (failed.error_detail or "")
    assert not stage.http.requests


async def test_a_cancel_is_looked_at_before_anything_is_rendered(stage: Stage) -> None:
    run = webhook([ENDLESS] * 80)
    canceled = RunCancelRequested(
        tenant_id=run.tenant_id, run_id=run.run_id, requested_at_ms=1, requested_by="u-9"
    )
    stage.cancellations.apply(stage.inbound("runs.control", canceled))
    work = stage.handler.accept(stage.inbound("actions.webhook", run))
    assert isinstance(work.content, ToCancel)
    assert not inspect.iscoroutine(stage.handler.execute(work))
    facts = await stage.run(run)
    assert isinstance(facts[0][1], RunCanceled)
