"""One `python -m delay_relay`, and waiting messages for it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka import Producer

from signalbox_contracts import codec
from signalbox_contracts.messages import Delayed

MESSAGE_LINGER_MS = 5


class RelayProcess:
    """Ends with the `with` block."""

    def __init__(self, bootstrap: str, log: Path, fault: str = "") -> None:
        environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "SIGNALBOX_FAULT": fault,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "delay_relay"), env=environment, stdout=output, stderr=output
            )

    def __enter__(self) -> "RelayProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def resident_mb(self) -> float:
        """What it occupies of the machine's memory (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        resident_kb = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
        return int(resident_kb) / 1000


def let_wait(bootstrap: str, bucket: str, messages: Iterable[Delayed]) -> None:
    """Appends messages to a bucket, spread over its partitions."""
    options = {"bootstrap.servers": bootstrap, "linger.ms": MESSAGE_LINGER_MS}
    producer = Producer({**options, "queue.buffering.max.messages": 1_000_000})
    for number, message in enumerate(messages):
        producer.produce(bucket, codec.encode(message), b"lane-%d" % (number % 50))
    left = producer.flush(60)
    assert left == 0, f"{left} messages were not sent"


def waiting(target: str, prefix: str, count: int, seconds: float) -> list[Delayed]:
    """Messages for `target`, due in `seconds`."""
    due_at_ms = round((time.time() + seconds) * 1000)
    return [
        Delayed(
            due_at_ms=due_at_ms,
            topic=target,
            payload=f"{prefix}-{number}".encode(),
            headers={"traceparent": b"00-1"},
        )
        for number in range(count)
    ]
