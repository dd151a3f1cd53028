"""What tests wait for."""

from signalbox_contracts.messages import RunCanceled, RunFact, RunFailed, RunSucceeded
from signalbox_runtime.testing.waiting import eventually
from tests.integration.action_runner.stage import RunnerStage

OVER: tuple[type[RunFact], ...] = (RunSucceeded, RunFailed, RunCanceled)


def kinds(facts: list[RunFact]) -> list[type[RunFact]]:
    """What facts are."""
    return [type(fact) for fact in facts]


def wait_for(stage: RunnerStage, tenant: str, runs: int, last: tuple[type[RunFact], ...] = OVER) -> None:
    """Waits until as many of a tenant's runs have such a fact as their last."""

    def all_there() -> bool:
        histories = stage.histories(tenant)
        return sum(isinstance(facts[-1], last) for facts in histories.values()) >= runs

    eventually(all_there, f"{runs} runs to reach {[kind.__name__ for kind in last]}")
