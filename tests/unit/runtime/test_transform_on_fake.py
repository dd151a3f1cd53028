"""The transform loop's behaviour on the Kafka in memory."""

import pytest

from signalbox_runtime.testing.stage import FakeStage
from signalbox_runtime.testing.transform_suite import TransformSuite


@pytest.fixture
def stage() -> FakeStage:
    return FakeStage()


class TestTransformOnFake(TransformSuite):
    """Everything comes from the suite."""
