"""`python -m condition_evaluator`."""

import sys

from signalbox_runtime.process.loading import loading

with loading():
    from condition_evaluator import service
    from condition_evaluator.settings import ConditionEvaluatorSettings
    from signalbox_runtime.process.shell import run_service

sys.exit(run_service("condition-evaluator", ConditionEvaluatorSettings, service.run))
