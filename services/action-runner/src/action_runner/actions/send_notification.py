"""Send Notification: the CRM shows users a message."""

from action_runner.actions.action import CommandAction, as_rendered

SEND_NOTIFICATION = CommandAction("send_notification", as_rendered)
