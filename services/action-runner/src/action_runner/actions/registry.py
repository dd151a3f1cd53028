"""Every executor. Adding an action is its description in `signalbox_rules.actions`, a file here, and a
line.
"""

from action_runner.actions.action import Executor
from action_runner.actions.assign_owner import ASSIGN_OWNER
from action_runner.actions.change_field import CHANGE_FIELD
from action_runner.actions.create_task import CREATE_TASK
from action_runner.actions.move_stage import MOVE_STAGE
from action_runner.actions.send_email import SEND_EMAIL
from action_runner.actions.send_notification import SEND_NOTIFICATION
from action_runner.actions.webhook import WEBHOOK

ACTIONS: tuple[Executor, ...] = (
    SEND_EMAIL,
    CREATE_TASK,
    CHANGE_FIELD,
    MOVE_STAGE,
    ASSIGN_OWNER,
    SEND_NOTIFICATION,
    WEBHOOK,
)
ACTIONS_BY_TYPE: dict[str, Executor] = {action.type: action for action in ACTIONS}
