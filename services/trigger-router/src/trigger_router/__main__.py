"""`python -m trigger_router`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from signalbox_runtime.process.shell import run_service
    from trigger_router import service
    from trigger_router.settings import TriggerRouterSettings

sys.exit(run_service("trigger-router", TriggerRouterSettings, service.run))
