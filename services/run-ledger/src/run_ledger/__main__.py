"""`python -m run_ledger`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from run_ledger import service
    from run_ledger.settings import RunLedgerSettings
    from signalbox_runtime.process.shell import run_service

sys.exit(run_service("run-ledger", RunLedgerSettings, service.run))
