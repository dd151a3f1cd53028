"""Views of topics on the Kafka in memory."""

import threading

import pytest

from signalbox_runtime.errors import KafkaUnavailable, ServiceRefused
from signalbox_runtime.loops.views import TopicViews
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.testing.stage import FakeStage
from signalbox_runtime.testing.view_suite import ViewSuite


@pytest.fixture
def stage() -> FakeStage:
    return FakeStage()


class TestViewsOnFake(ViewSuite):
    """The suite, and what only a fake can be made to do."""

    def test_it_says_what_it_waits_for_while_kafka_is_away(self, stage: FakeStage) -> None:
        topic = stage.new_topic(1)
        readiness = Readiness()
        views = TopicViews(stage.kafka, {topic: lambda _inbound: None}, readiness)
        views.load(threading.Event())
        assert readiness.is_ready
        stage.broker.is_down = True
        with pytest.raises(KafkaUnavailable):
            views.catch_up()
        assert readiness.reasons() == {"views": "The broker is down."}
        stage.broker.is_down = False
        views.catch_up()
        assert readiness.is_ready

    def test_a_topic_that_does_not_exist_is_refused_by_name(self, stage: FakeStage) -> None:
        views = TopicViews(stage.kafka, {"workflows.definitions": lambda _inbound: None})
        with pytest.raises(ServiceRefused, match=r"workflows\.definitions"):
            views.load(threading.Event())
