"""The delay-relay on real Kafka: what waiting costs it, how late it is, how fast it lets go."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from signalbox_contracts.messages import Delayed
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_runtime.records import TopicPartition
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.waiting import eventually
from tests.declared_topics import apply_topics
from tests.integration.delay_relay.relay_process import RelayProcess, let_wait

WAITING = 100_000
RELEASED = 30_000
RUNS = 3
TRICKLE = 200
TRICKLE_PAUSE_SECONDS = 0.04
"""25 messages a second."""
PAYLOAD = b"x" * 700
"""About the size of a token."""
SETTLE_SECONDS = 5


def run() -> list[dict[str, Any]]:
    """Every figure."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder) / "kafka") as kafka:
        apply_topics(kafka.bootstrap)
        stage = KafkaStage(kafka.bootstrap)
        with RelayProcess(kafka.bootstrap, Path(folder) / "relay.log") as relay:
            _released_per_second(stage, kafka.bootstrap)  # a young broker is slow
            rates = [_released_per_second(stage, kafka.bootstrap) for _ in range(RUNS)]
            lateness_ms = _lateness_ms(stage, kafka.bootstrap)
            before_mb = relay.resident_mb()
            let_wait(kafka.bootstrap, "delays.1h", (_due_in(3_600, "nowhere") for _ in range(WAITING)))
            time.sleep(SETTLE_SECONDS)
            growth_mb = relay.resident_mb() - before_mb
    return [
        {"name": "delays.waiting_rss_growth_mb", "value": growth_mb, "unit": "MB", "runs": [growth_mb]},
        {
            "name": "delays.lateness_p99_ms",
            "value": statistics.quantiles(lateness_ms, n=100)[98],
            "unit": "ms",
            "runs": lateness_ms,
        },
        {
            "name": "delays.released_per_second",
            "value": statistics.median(rates),
            "unit": "1/s",
            "runs": rates,
        },
    ]


def _released_per_second(stage: KafkaStage, bootstrap: str) -> float:
    """From the moment that the first may go until the last has gone."""
    target = stage.new_topic()
    messages = [_due_in(1, target) for _ in range(RELEASED)]
    began = time.monotonic() + 1
    let_wait(bootstrap, "delays.1s", messages)
    place = TopicPartition(target, 0)
    offsets = stage.kafka.offsets()
    eventually(lambda: offsets.end_offsets([place])[place] >= RELEASED, "all of them")
    return RELEASED / (time.monotonic() - began)


def _lateness_ms(stage: KafkaStage, bootstrap: str) -> list[float]:
    """From due time to the record's arrival on its topic; early ones count as 0."""
    target = stage.new_topic()
    due_by_payload: dict[bytes | None, int] = {}
    for number in range(TRICKLE):
        message = _due_in(1, target, b"%d" % number)
        due_by_payload[message.payload] = message.due_at_ms
        let_wait(bootstrap, "delays.1s", [message])
        time.sleep(TRICKLE_PAUSE_SECONDS)
    eventually(lambda: len(stage.records(target)) >= TRICKLE, "all of them")
    return [
        float(max(record.timestamp_ms - due_by_payload[record.value], 0)) for record in stage.records(target)
    ]


def _due_in(seconds: float, target: str, payload: bytes = PAYLOAD) -> Delayed:
    return Delayed(due_at_ms=round((time.time() + seconds) * 1_000), topic=target, payload=payload)
