"""Change Field: the CRM sets a field of the record; null empties it, numbers stay numbers."""

from action_runner.actions.action import CommandAction, as_rendered

CHANGE_FIELD = CommandAction("change_field", as_rendered)
