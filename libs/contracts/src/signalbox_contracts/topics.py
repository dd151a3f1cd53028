"""The topics, read from `schemas/topics/*.yaml`: one file each, with key, size, retention and readers."""

from functools import cache
from typing import Any, Literal, get_args

import msgspec
import yaml

from signalbox_contracts.schemas import schemas_directory

EMBEDDED_LANE_PARTITIONS = 4
LANE_PARTITIONS = 24
ENVELOPE_MAX_BYTES = 1_048_576
"""Largest event accepted on a crm topic. The topic itself takes four times that, so that a larger
event can be told so instead of being refused by the broker."""
REPLY_CONTEXT_MAX_BYTES = 262_144
ModuleName = Literal["leads", "opportunities", "contacts", "accounts", "tasks", "invoices"]
MODULES: tuple[ModuleName, ...] = get_args(ModuleName)

CRM_CATALOG = "crm.catalog"
CRM_COMMANDS = "crm.commands"
CRM_COMMAND_RESULTS = "crm.command-results"
DEFINITIONS = "workflows.definitions"
SECRETS = "workflows.secrets"
ALERTS = "workflows.alerts"
RUNS_REQUESTED = "runs.requested"
RUNS_JOURNAL = "runs.journal"
RUNS_CONTROL = "runs.control"
OUTBOX_POSITIONS = "outbox.positions"
DEAD_LETTERS = "dead-letters"
CRM_TOPICS = tuple(f"crm.{module}" for module in MODULES)
DELAY_BUCKETS_MS: dict[str, int] = {
    "delays.1s": 1_000,
    "delays.10s": 10_000,
    "delays.1m": 60_000,
    "delays.10m": 600_000,
    "delays.1h": 3_600_000,
    "delays.1d": 86_400_000,
}


class MessageVersions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which versions of a message every reader of the topic must read, and which one is written."""

    readable: tuple[int, ...]
    write_version: int


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One topic as declared."""

    name: str
    description: str
    key: str
    partitions: Literal["lane"] | int
    cleanup: Literal["delete", "compact", "compact,delete"]
    max_message_bytes: int
    timestamp: Literal["CreateTime", "LogAppendTime"]
    messages: dict[str, MessageVersions]
    producers: tuple[str, ...]
    consumers: dict[str, Literal["group", "view", "scan"]]
    """By service: `group` shares the partitions as a consumer group of the service's name, `view`
    reads the whole topic in every instance, `scan` reads it on demand."""
    retention_ms: int | None = None
    compact_after_ms: int | None = None
    """How long every record of a compacted topic is kept before an older one of its key may go."""

    def partition_count(self, lane_partitions: int) -> int:
        """How many partitions it has where lane topics have `lane_partitions`."""
        return lane_partitions if self.partitions == "lane" else self.partitions

    def broker_config(self) -> dict[str, str]:
        """Its configuration in Kafka's own names."""
        config = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": self.timestamp,
        }
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        if self.compact_after_ms is not None:
            config["min.compaction.lag.ms"] = str(self.compact_after_ms)
        return config

    def groups(self) -> tuple[str, ...]:
        """The consumer groups whose first offsets must exist before their services start."""
        return tuple(service for service, how in self.consumers.items() if how == "group")


@cache
def all_topics() -> tuple[Topic, ...]:
    """Every topic, by name."""
    paths = sorted((schemas_directory() / "topics").glob("*.yaml"))
    return tuple(msgspec.convert(_read(path.read_text(encoding="utf-8")), Topic) for path in paths)


@cache
def topics_by_name() -> dict[str, Topic]:
    """Every topic under its name."""
    return {topic.name: topic for topic in all_topics()}


def crm_topic(module: str) -> str:
    """The topic of a module's events."""
    return f"crm.{module}"


@cache
def action_topic(action_type: str) -> str:
    """The topic of a kind of action, e.g. `send_email` → `actions.send-email`."""
    return f"actions.{action_type.replace('_', '-')}"


@cache
def write_version(message: str) -> int:
    """The version in which `message` is written, the same on every topic that carries it."""
    versions = {topic.messages[message].write_version for topic in all_topics() if message in topic.messages}
    if len(versions) != 1:
        raise LookupError(
            f"schemas/topics must give one write_version for {message}; found {sorted(versions)}."
        )
    return versions.pop()


def _read(text: str) -> Any:
    return yaml.safe_load(text)
