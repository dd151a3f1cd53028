"""Ctrl-C in the middle of a call: it ends, its result is kept, and the next start does not make it again."""

from pathlib import Path

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import Receiver, System


def test_a_call_that_runs_at_a_clean_stop_is_not_made_again(tmp_path: Path) -> None:
    allow = {"SIGNALBOX_WEBHOOK_ALLOW_HOSTS": "127.0.0.1"}
    with Receiver() as receiver:
        receiver.takes_seconds = 6
        with System(tmp_path / "data", environment=allow) as system:
            workflow = system.create_workflow(
                {
                    "name": "Tell",
                    "trigger": {"module": "leads", "event": "created"},
                    "actions": [{"type": "webhook", "with": {"method": "POST", "url": receiver.url}}],
                }
            )
            system.publish_lead("evt-stop", {"id": "lead-stop", "name": "Ada"})
            system.flush()
            eventually(lambda: bool(receiver.received), "the call")
        receiver.takes_seconds = 0
        with System(tmp_path / "data", environment=allow) as system:
            run = system.the_run(workflow, "lead-stop", "success")
            assert [attempt["outcome"] for attempt in run["actions"][0]["attempts"]] == ["success"]
            # What comes after it on the same record shows that nothing older is still under way.
            system.publish_lead("evt-after", {"id": "lead-stop", "name": "Ada"})
            system.flush()
            eventually(lambda: len(system.runs(workflow_id=workflow, status="success")) == 2, "both runs")
        assert len(set(receiver.keys())) == len(receiver.keys()) == 2
