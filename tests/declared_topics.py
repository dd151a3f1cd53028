"""The declared topics on a broker of the tests."""

from signalbox_contracts import topics
from signalbox_runtime.kafka import topic_admin, topic_plan
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION

LANE_PARTITIONS = 4


def apply_topics(bootstrap: str) -> None:
    """Makes every declared topic that is not there, and gives every group its first offsets."""
    options = {BOOTSTRAP_OPTION: bootstrap}
    declared = topics.all_topics()
    found = topic_admin.look(options, declared)
    topic_admin.apply(options, topic_plan.plan(declared, found, LANE_PARTITIONS))
