"""Create Task: the CRM makes a task for the record."""

from action_runner.actions.action import CommandAction, as_rendered

CREATE_TASK = CommandAction("create_task", as_rendered)
