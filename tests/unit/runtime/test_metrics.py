"""Metrics are declared once, with names and labels that stay within the rules."""

import uuid

import pytest

from signalbox_runtime import metrics


def test_labels_that_grow_with_tenants_or_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="run_id"):
        metrics.counter("signalbox_test_things_total", "Things.", ["run_id"])  # type: ignore[list-item]


def test_names_keep_to_the_convention() -> None:
    with pytest.raises(ValueError, match="signalbox_"):
        metrics.gauge("test_things", "Things.")
    with pytest.raises(ValueError, match="_total"):
        metrics.counter("signalbox_test_things", "Things.")


def test_what_was_declared_is_in_the_reference() -> None:
    name = f"signalbox_test_{uuid.uuid4().hex}_total"
    metrics.counter(name, "Things that a test counts.", ["topic", "outcome"])
    row = f"| `{name}` | counter | topic, outcome | Things that a test counts. |"
    assert row in metrics.reference(metrics.declared()).splitlines()


def test_every_metric_says_what_it_is() -> None:
    assert all(len(metric.help) > 10 for metric in metrics.declared())
