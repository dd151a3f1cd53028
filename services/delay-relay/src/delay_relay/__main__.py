"""`python -m delay_relay`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from delay_relay import service
    from delay_relay.settings import DelayRelaySettings
    from signalbox_runtime.process.shell import run_service

sys.exit(run_service("delay-relay", DelayRelaySettings, service.run))
