"""`python -m action_runner`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from action_runner import service
    from action_runner.settings import ActionRunnerSettings
    from signalbox_runtime.process.shell import run_service

if __name__ == "__main__":
    sys.exit(run_service(service.NAME, ActionRunnerSettings, service.run))
