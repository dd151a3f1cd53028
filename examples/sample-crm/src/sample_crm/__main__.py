"""`python -m sample_crm`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from sample_crm import service
    from sample_crm.settings import SampleCrmSettings
    from signalbox_runtime.process.shell import run_service

# The name is also the consumer group on crm.commands, which schemas/topics/crm.commands.yaml declares.
sys.exit(run_service("crm", SampleCrmSettings, service.run))
