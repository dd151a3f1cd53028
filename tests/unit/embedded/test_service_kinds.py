"""Which processes `signalbox up` starts, and what each is told."""

import pytest

from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.service_kinds import (
    SERVICE_KINDS,
    Surroundings,
    environment,
    parse_workers,
    plan_workers,
    ports_needed,
)

SURROUNDINGS = Surroundings(
    kafka="127.0.0.1:9",
    database_url="postgresql://x",
    secrets_key_file="/data/secrets_key",
    api_key_file="/data/api_key",
    smtp_port=25,
    ledger_url="http://127.0.0.1:80",
)


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in SERVICE_KINDS}) == len(SERVICE_KINDS)


def test_every_worker_has_ports_of_its_own() -> None:
    counts = parse_workers(("action-runner=3", "run-ledger=2"))
    workers = plan_workers(counts, tuple(range(1, ports_needed(counts) + 1)), api_port=None)
    used = [port for worker in workers for port in (worker.metrics_port, worker.http_port) if port]
    assert len(used) == len(set(used)) == ports_needed(counts)
    assert [worker.slot for worker in workers if worker.kind.name == "action-runner"] == [0, 1, 2]


def test_the_port_asked_for_is_the_first_apis() -> None:
    counts = {"workflow-api": 2}
    workers = plan_workers(counts, tuple(range(1, ports_needed(counts) + 1)), api_port=8080)
    ports = [worker.http_port for worker in workers if worker.kind.name == "workflow-api"]
    assert ports[0] == 8080
    assert ports[1] != 8080


def test_a_worker_is_told_its_slot_and_where_everything_is() -> None:
    counts = {"action-runner": 2}
    workers = plan_workers(counts, tuple(range(1, ports_needed(counts) + 1)), api_port=None)
    second = next(worker for worker in workers if worker.kind.name == "action-runner" and worker.slot == 1)
    assert environment(second, SURROUNDINGS) == {
        "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "SIGNALBOX_DATABASE_URL": "postgresql://x",
        "SIGNALBOX_SECRETS_KEY_FILE": "/data/secrets_key",
        "SIGNALBOX_LOG_LEVEL": "info",
        "ACTION_RUNNER_SLOT": "1",
        "ACTION_RUNNER_STATIC_MEMBERSHIP": "true",
        "ACTION_RUNNER_METRICS_PORT": str(second.metrics_port),
        "ACTION_RUNNER_SMTP_HOST": "127.0.0.1",
        "ACTION_RUNNER_SMTP_PORT": "25",
    }


def test_only_the_api_is_told_the_first_key() -> None:
    workers = plan_workers({}, tuple(range(1, ports_needed({}) + 1)), api_port=None)
    told = [
        worker.kind.name
        for worker in workers
        if any(name.endswith("FIRST_KEY_FILE") for name in environment(worker, SURROUNDINGS))
    ]
    assert told == ["workflow-api"]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("router=2", "there is no service 'router'"),
        ("trigger-router", "write trigger-router=n"),
        ("trigger-router=0", "from 1 to 16"),
        ("trigger-router=-1", "from 1 to 16"),
        ("trigger-router=17", "from 1 to 16"),
        ("sample-crm=2", "there can be only one sample-crm"),
    ],
)
def test_a_wrong_count_of_workers_is_one_sentence(word: str, says: str) -> None:
    with pytest.raises(EmbeddedError, match=says):
        parse_workers((word,))
