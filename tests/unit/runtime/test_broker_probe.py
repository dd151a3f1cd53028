"""The probe says whether brokers answer, and refuses brokers that would forget what was done."""

from collections.abc import Callable

from signalbox_runtime.errors import KafkaUnavailable, ServiceRefused
from signalbox_runtime.kafka.broker_probe import BrokerProbe
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.testing.waiting import eventually


class ScriptedBrokers:
    """Answers as it is told."""

    def __init__(self, retention_minutes: int | None) -> None:
        self.is_away = False
        self.pings = 0
        self._retention_minutes = retention_minutes

    def ping(self, timeout_seconds: float) -> None:
        self.pings += 1
        if self.is_away:
            raise KafkaUnavailable("no answer in time")

    def offsets_retention_minutes(self, timeout_seconds: float) -> int | None:
        return self._retention_minutes


def probe(
    brokers: ScriptedBrokers, refuse: Callable[[ServiceRefused], None]
) -> tuple[BrokerProbe, Readiness]:
    readiness = Readiness()
    made = BrokerProbe(lambda: brokers, "kafka:9092", readiness, refuse, interval_seconds=0.01)
    assert readiness.reasons() == {"kafka": "no answer yet from Kafka at kafka:9092"}
    made.start()
    return made, readiness


def test_it_says_when_brokers_go_and_when_they_are_back() -> None:
    brokers = ScriptedBrokers(retention_minutes=5_256_000)
    probing, readiness = probe(brokers, lambda _refused: None)
    eventually(lambda: readiness.is_ready, "the first answer")
    brokers.is_away = True
    eventually(lambda: not readiness.is_ready, "the brokers' absence")
    assert readiness.reasons() == {"kafka": "Kafka at kafka:9092 does not answer: no answer in time"}
    brokers.is_away = False
    eventually(lambda: readiness.is_ready, "the brokers' return")
    probing.stop()


def test_brokers_that_forget_idle_groups_are_refused_with_what_to_set() -> None:
    refusals: list[ServiceRefused] = []
    probing, readiness = probe(ScriptedBrokers(retention_minutes=10_080), refusals.append)
    eventually(lambda: bool(refusals), "the refusal")
    probing.stop()
    assert "10080 minutes: set offsets.retention.minutes=5256000" in str(refusals[0])
    assert not readiness.is_ready


def test_brokers_that_may_not_be_asked_are_believed() -> None:
    refusals: list[ServiceRefused] = []
    probing, readiness = probe(ScriptedBrokers(retention_minutes=None), refusals.append)
    eventually(lambda: readiness.is_ready, "readiness")
    probing.stop()
    assert refusals == []
