"""A service in a process of its own: copies COPY_SOURCE to COPY_TARGET as the group COPY_GROUP."""

import os
import sys

from signalbox_runtime.process import Service, run_service
from signalbox_runtime.settings import ServiceSettings
from signalbox_runtime.testing.transforms import Copy
from signalbox_runtime.transform import run_transform


class CopySettings(ServiceSettings, env_prefix="COPY_"):
    source: str
    target: str
    group: str
    batch_max_records: int = 10


def copy(service: Service[CopySettings]) -> None:
    settings = service.settings
    run_transform(service, [settings.source], Copy(settings.target), settings.batch_max_records)


if __name__ == "__main__":
    sys.exit(run_service(os.environ["COPY_GROUP"], CopySettings, copy))
