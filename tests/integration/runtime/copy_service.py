"""A service in a process of its own: copies COPY_SOURCE to COPY_TARGET as the group COPY_GROUP."""

import os
import sys
import time

from signalbox_runtime.loops.holds import Hold
from signalbox_runtime.loops.transform import run_transform
from signalbox_runtime.process.settings import ServiceSettings
from signalbox_runtime.process.shell import Service, run_service
from signalbox_runtime.records import Inbound, Outbox
from signalbox_runtime.testing.transforms import Copy


class CopySettings(ServiceSettings, env_prefix="COPY_"):
    source: str
    target: str
    group: str
    batch_max_records: int = 10
    record_seconds: float = 0.0
    """How long it takes over a record; more than nothing where a test must meet it at work."""


class SlowCopy(Copy):
    """Takes its time over each record."""

    def __init__(self, target: str, record_seconds: float) -> None:
        super().__init__(target)
        self._record_seconds = record_seconds

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        time.sleep(self._record_seconds)
        return super().handle(inbound)


def copy(service: Service[CopySettings]) -> None:
    settings = service.settings
    transform = SlowCopy(settings.target, settings.record_seconds)
    run_transform(service, [settings.source], transform, settings.batch_max_records)


if __name__ == "__main__":
    sys.exit(run_service(os.environ["COPY_GROUP"], CopySettings, copy))
