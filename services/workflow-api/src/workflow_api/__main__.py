"""`python -m workflow_api`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from signalbox_runtime.process.shell import run_service
    from workflow_api import service
    from workflow_api.settings import WorkflowApiSettings

sys.exit(run_service("workflow-api", WorkflowApiSettings, service.run))
