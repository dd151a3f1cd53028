"""Views of topics on real Kafka: the suite that the fake passes too."""

import pytest

from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.view_suite import ViewSuite


@pytest.fixture(scope="module")
def stage(kafka_bootstrap: str) -> KafkaStage:
    return KafkaStage(kafka_bootstrap)


class TestViewsOnKafka(ViewSuite):
    """Everything comes from the suite."""
