"""Laws of planning topics, whatever a cluster looks like."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from signalbox_contracts.topics import all_topics
from signalbox_runtime.kafka.topic_plan import (
    OFFSETS_RETENTION_MINUTES,
    Cluster,
    CreateTopic,
    FoundTopic,
    StartGroup,
    Step,
    is_change,
    plan,
)
from signalbox_runtime.records import TopicPartition

LANE_PARTITIONS = 2
TOPICS = all_topics()
PLACES = [
    TopicPartition(topic.name, number)
    for topic in TOPICS
    for number in range(topic.partition_count(LANE_PARTITIONS))
]
GROUPS = sorted({group for topic in TOPICS for group in topic.groups()})


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Any cluster: some topics there, some groups with some offsets, some of them once given."""
    there = draw(st.sets(st.sampled_from(TOPICS).map(lambda topic: topic.name)))
    known_places = [place for place in PLACES if place.topic in there]
    places = st.frozensets(st.sampled_from(known_places)) if known_places else st.just(frozenset())
    known = draw(st.dictionaries(st.sampled_from(GROUPS), st.tuples(places, places)))
    return Cluster(
        offsets_retention_minutes=OFFSETS_RETENTION_MINUTES,
        topics={
            topic.name: FoundTopic(topic.broker_config(), (0,) * topic.partition_count(LANE_PARTITIONS))
            for topic in TOPICS
            if topic.name in there
        },
        committed={group: committed for group, (committed, _) in known.items()},
        started={group: committed | started for group, (committed, started) in known.items()},
    )


def carried_out(cluster: Cluster, steps: tuple[Step, ...]) -> Cluster:
    """The cluster after `steps`, as `topic_admin.apply` leaves it."""
    topics, committed, started = dict(cluster.topics), dict(cluster.committed), dict(cluster.started)
    for step in steps:
        if isinstance(step, CreateTopic):
            topics[step.topic.name] = FoundTopic(step.topic.broker_config(), (0,) * step.partitions)
        elif isinstance(step, StartGroup):
            for known in (committed, started):
                known[step.group] = known.get(step.group, frozenset()) | {step.partition}
    return replace(cluster, topics=topics, committed=committed, started=started)


@given(clusters())
def test_applying_twice_changes_nothing_more(cluster: Cluster) -> None:
    after = carried_out(cluster, plan(TOPICS, cluster, LANE_PARTITIONS))
    assert not [step for step in plan(TOPICS, after, LANE_PARTITIONS) if is_change(step)]


@given(clusters())
def test_a_crash_anywhere_in_between_is_finished_by_the_next_call(cluster: Cluster) -> None:
    steps = plan(TOPICS, cluster, LANE_PARTITIONS)
    whole = carried_out(cluster, steps)
    for done in range(0, len(steps), 17):
        half = carried_out(cluster, steps[:done])
        assert carried_out(half, plan(TOPICS, half, LANE_PARTITIONS)) == whole


@given(clusters())
def test_no_offset_is_given_where_one_exists_or_was_lost(cluster: Cluster) -> None:
    for step in plan(TOPICS, cluster, LANE_PARTITIONS):
        if isinstance(step, StartGroup):
            assert step.partition not in cluster.committed.get(step.group, frozenset())
            assert step.partition not in cluster.started.get(step.group, frozenset())
