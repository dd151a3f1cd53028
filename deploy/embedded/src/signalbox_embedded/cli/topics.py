"""`signalbox topics plan` and `apply`: the declared topics against a cluster."""

from pathlib import Path

import click

from signalbox_contracts.topics import EMBEDDED_LANE_PARTITIONS, LANE_PARTITIONS, all_topics
from signalbox_embedded.cli.cluster import kafka_options_of, names_a_cluster
from signalbox_embedded.cli.data import data_option
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime.errors import TopicAdminError
from signalbox_runtime.kafka import topic_admin
from signalbox_runtime.kafka.topic_plan import SettingDiffers, Step, is_change, is_refusal, plan

_partitions_option = click.option(
    "--lane-partitions",
    type=click.IntRange(1, 10_000),
    help=f"Partitions of the lane topics; {EMBEDDED_LANE_PARTITIONS} in the embedded system, "
    f"else {LANE_PARTITIONS}.",
)


@click.group()
def topics() -> None:
    """Compare and create topics and the first offsets of consumer groups.

    The cluster is the one that SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS names
    (any other librdkafka option likewise),
    else the embedded system's in --data.
    """


@topics.command("plan")
@data_option
@_partitions_option
def plan_command(data: Path, lane_partitions: int | None) -> None:
    """Show what apply would do, and what differs."""
    _, steps = _compare(data, lane_partitions)
    for step in steps:
        print(("+ " if is_change(step) else "! ") + str(step))
    if not steps:
        print("The cluster has every declared topic, and every group has its offsets.")


@topics.command()
@data_option
@_partitions_option
@click.option("--settings", is_flag=True, help="Also set what differs on topics that are there.")
def apply(data: Path, lane_partitions: int | None, settings: bool) -> None:
    """Create missing topics, and give new groups their first offsets, once."""
    options, steps = _compare(data, lane_partitions)
    refusals = [str(step) for step in steps if is_refusal(step)]
    if refusals:
        raise EmbeddedError("nothing was changed: " + "; ".join(refusals))
    chosen = [step for step in steps if settings or not isinstance(step, SettingDiffers)]
    try:
        topic_admin.apply(options, chosen)
    except TopicAdminError as error:
        raise EmbeddedError(str(error)) from error
    for step in steps:
        print(f"done: {step}" if step in chosen else f"left (give --settings to do it): {step}")
    if not steps:
        print("Nothing to do.")


def _compare(data: Path, lane_partitions: int | None) -> tuple[dict[str, str], tuple[Step, ...]]:
    options = kafka_options_of(data)
    partitions = lane_partitions or (LANE_PARTITIONS if names_a_cluster() else EMBEDDED_LANE_PARTITIONS)
    try:
        return options, plan(all_topics(), topic_admin.look(options, all_topics()), partitions)
    except TopicAdminError as error:
        raise EmbeddedError(str(error)) from error
