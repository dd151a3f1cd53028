"""Metrics: declared once, typed, and listed for the reference.

A package declares its metrics at import in its own `metrics.py`. Names begin with `signalbox_`, end with
their unit; labels come from the closed list below, none of which grows with tenants, workflows, runs or
records: such a label would make one time series each.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import msgspec
from prometheus_client import Counter, Gauge, Histogram

Label: TypeAlias = Literal[
    "action",
    "cause",
    "condition",
    "group",
    "kind",
    "method",
    "outcome",
    "partition",
    "reason",
    "relay",
    "route",
    "service",
    "status",
    "topic",
]
LABELS: tuple[str, ...] = get_args(Label)
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RECORDS_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Declared(msgspec.Struct, frozen=True):
    """A metric as the reference lists it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]


_declared: dict[str, Declared] = {}


def counter(name: str, help: str, labels: Sequence[Label] = ()) -> Counter:  # noqa: A002, prometheus_client's word
    """A count that only grows; its name ends in `_total`."""
    if not name.endswith("_total"):
        raise ValueError(f"The counter {name} must end in _total.")
    _declare(Declared(name, "counter", help, tuple(labels)))
    return Counter(name, help, labels)


def gauge(name: str, help: str, labels: Sequence[Label] = ()) -> Gauge:  # noqa: A002
    """A value that goes up and down."""
    _declare(Declared(name, "gauge", help, tuple(labels)))
    return Gauge(name, help, labels)


def histogram(
    name: str,
    help: str,  # noqa: A002
    labels: Sequence[Label] = (),
    buckets: Sequence[float] = SECONDS_BUCKETS,
) -> Histogram:
    """A distribution; a duration's name ends in `_seconds`."""
    _declare(Declared(name, "histogram", help, tuple(labels)))
    return Histogram(name, help, labels, buckets=buckets)


def declared() -> tuple[Declared, ...]:
    """Every metric of the modules imported so far, by name."""
    return tuple(_declared[name] for name in sorted(_declared))


def reference(metrics: Sequence[Declared]) -> str:
    """A Markdown table of `metrics`."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.help} |"
        for metric in metrics
    ]
    return "\n".join(("| metric | kind | labels | meaning |", "|---|---|---|---|", *rows)) + "\n"


def _declare(metric: Declared) -> None:
    if not metric.name.startswith("signalbox_"):
        raise ValueError(f"The metric {metric.name} must begin with signalbox_.")
    unknown = sorted(set(metric.labels) - set(LABELS))
    if unknown:
        raise ValueError(f"The metric {metric.name} has labels {unknown}; allowed are {LABELS}.")
    _declared[metric.name] = metric


RECORDS_CONSUMED = counter(
    "signalbox_loop_records_consumed_total", "Records whose offset was committed.", ["topic"]
)
RECORDS_PRODUCED = counter(
    "signalbox_loop_records_produced_total", "Records committed to a topic.", ["topic"]
)
TRANSACTIONS = counter(
    "signalbox_loop_transactions_total", "Transactions by outcome: committed, aborted, unknown.", ["outcome"]
)
TRANSACTION_SECONDS = histogram(
    "signalbox_loop_transaction_seconds", "From the begin of a transaction to the end of its commit."
)
TRANSACTION_RECORDS = histogram(
    "signalbox_loop_transaction_records", "Records consumed per transaction.", buckets=RECORDS_BUCKETS
)
PARTITIONS = gauge("signalbox_loop_partitions", "Partitions this member owns.", ["topic"])
HELD_PARTITIONS = gauge(
    "signalbox_loop_held_partitions", "Partitions whose next record is not due yet.", ["topic"]
)
REBALANCES = counter(
    "signalbox_loop_rebalances_total", "Changes of the assignment: assigned, revoked, lost.", ["kind"]
)
CONSUMED_AGE_SECONDS = histogram(
    "signalbox_loop_record_age_seconds",
    "From a record's timestamp to its transaction's commit: how far behind a service is.",
    ["topic"],
    buckets=(*SECONDS_BUCKETS, 60.0, 300.0, 1800.0),
)
DEAD_LETTERS = counter(
    "signalbox_dead_letters_total", "Records given up and sent to dead-letters.", ["service", "topic"]
)
VIEW_RECORDS = counter("signalbox_view_records_total", "Records applied to a view of a topic.", ["topic"])
VIEW_CATCH_UP_SECONDS = histogram(
    "signalbox_view_catch_up_seconds", "Time a batch waited until its views were as new as itself."
)
REMEMBERED_IDS = gauge(
    "signalbox_remembered_ids",
    "Ids remembered to recognise repeats, when the memory was refilled.",
    ["topic", "partition"],
)
UNMET_CONDITIONS = gauge(
    "signalbox_unmet_condition", "1 while a condition of readiness is not met, by its name.", ["condition"]
)
