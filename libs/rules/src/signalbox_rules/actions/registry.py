"""Every action, in the order people are offered them. Adding one is its description in a file and a line
here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from signalbox_rules.actions.action import Action
from signalbox_rules.actions.assign_owner import ASSIGN_OWNER
from signalbox_rules.actions.change_field import CHANGE_FIELD
from signalbox_rules.actions.create_task import CREATE_TASK
from signalbox_rules.actions.move_stage import MOVE_STAGE
from signalbox_rules.actions.send_email import SEND_EMAIL
from signalbox_rules.actions.send_notification import SEND_NOTIFICATION
from signalbox_rules.actions.webhook import WEBHOOK

ACTIONS: Final[tuple[Action, ...]] = (
    SEND_EMAIL,
    CREATE_TASK,
    CHANGE_FIELD,
    MOVE_STAGE,
    ASSIGN_OWNER,
    SEND_NOTIFICATION,
    WEBHOOK,
)

ACTIONS_BY_TYPE: Final[Mapping[str, Action]] = MappingProxyType({action.type: action for action in ACTIONS})
