"""What a crowd of runs must look like from outside, however often their runners were killed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from action_runner.domain.advance import effect_key
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import (
    ActionRequested,
    ActionSucceeded,
    RunCanceled,
    RunFailed,
    RunSucceeded,
)
from tests.integration.action_runner.stage import RunnerStage

ENDS = (RunSucceeded, RunFailed, RunCanceled)


class Call(msgspec.Struct, frozen=True):
    """A call as the receiver saw it: which effect, of which record."""

    key: str
    record_id: str


def check_histories(stage: RunnerStage, tenant_id: str, runs: Sequence[ActionRequested]) -> None:
    """Every run ended once; its facts are numbered without gaps, and none is there twice."""
    histories = stage.histories(tenant_id)
    assert set(histories) == {run.run_id for run in runs}
    for run in runs:
        facts = histories[run.run_id]
        assert [fact.seq for fact in facts] == list(range(2, len(facts) + 2)), trail(stage, run)
        assert [fact for fact in facts if isinstance(fact, ENDS)] == [facts[-1]]
        succeeded = [fact.action_id for fact in facts if isinstance(fact, ActionSucceeded)]
        assert succeeded == [action.id for action in run.actions]


def check_order(stage: RunnerStage, tenant_id: str, topic: str, calls: Sequence[Call]) -> None:
    """The first attempts of each record were made in the order in which they were requested."""
    requested: dict[str, list[str]] = defaultdict(list)
    for inbound in sorted(stage.records(topic), key=lambda record: (record.partition, record.offset)):
        token = codec.decode(inbound.value or b"", ActionRequested)
        if token.tenant_id == tenant_id:
            requested[token.record_id].append(effect_key(token))
    made: dict[str, list[str]] = defaultdict(list)
    for call in calls:
        made[call.record_id].append(call.key)
    for record_id, keys in requested.items():
        assert list(dict.fromkeys(made[record_id])) == list(dict.fromkeys(keys)), record_id


def check_sequence(runs: Sequence[ActionRequested], calls: Sequence[Call]) -> None:
    """No action of a run was called before the one before it was over."""
    first = {call.key: number for number, call in reversed(list(enumerate(calls)))}
    last = {call.key: number for number, call in enumerate(calls)}
    for run in runs:
        keys = [key for key in keys_of(run) if key in first]
        for earlier, later in pairwise(keys):
            assert last[earlier] < first[later], run.run_id


def trail(stage: RunnerStage, run: ActionRequested) -> str:
    """Every record that names the run, with its place: for a check that failed."""
    lines = []
    for topic in (
        webhook_topic(),
        topics.action_topic("change_field"),
        topics.CRM_COMMANDS,
        topics.CRM_COMMAND_RESULTS,
        topics.RUNS_JOURNAL,
    ):
        for inbound in stage.records(topic):
            if run.run_id.encode() in (inbound.value or b""):
                message = codec.decode_any(inbound.value or b"")
                seq = getattr(message, "seq", "")
                lines.append(f"{inbound.place} at {inbound.timestamp_ms}: {type(message).__name__} {seq}")
    return run.run_id + "\n" + "\n".join(lines)


def keys_of(run: ActionRequested) -> list[str]:
    """The effect keys of a run's actions, in order."""
    return [
        effect_key(msgspec.structs.replace(run, actions=run.actions[index:]))
        for index in range(len(run.actions))
    ]


def duplicates(calls: Sequence[Call]) -> int:
    """How many calls repeated an earlier one, by key."""
    return sum(count - 1 for count in Counter(call.key for call in calls).values())


def webhook_topic() -> str:
    """The topic of webhooks."""
    return topics.action_topic("webhook")
