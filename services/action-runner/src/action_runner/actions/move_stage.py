"""Move Stage: the CRM moves the record to a stage by name; `next` is resolved there, where the record is."""

from action_runner.actions.action import CommandAction, as_rendered

MOVE_STAGE = CommandAction("move_stage", as_rendered)
