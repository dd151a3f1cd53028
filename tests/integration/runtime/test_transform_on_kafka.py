"""The transform loop's behaviour on real Kafka: the suite that the fake passes too."""

import pytest

from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.transform_suite import TransformSuite


@pytest.fixture(scope="module")
def stage(kafka_bootstrap: str) -> KafkaStage:
    return KafkaStage(kafka_bootstrap)


class TestTransformOnKafka(TransformSuite):
    """Everything comes from the suite."""
