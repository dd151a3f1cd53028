"""Action ids: given once, when an action is added, and never recomputed.

An id is part of every effect key, so a later edit of the workflow must not give an existing action another
one.
"""

import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
_NUMBER_MAX: Final = 10_000  # more than any list of actions can hold; ends the search on odd documents


def assign_action_ids(document: object) -> object:
    """A copy of a workflow document in which every action has an `id`.

    Ids that are there stay as they are. A missing one is the action's type and the first number that is free,
    `send-email-1`. Parts that are not of the right shape pass through for `parse_definition` to name.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("actions"), list):
        return document
    taken = {action["id"] for action in document["actions"] if _has_id(action)}
    actions: list[object] = []
    for action in document["actions"]:
        if isinstance(action, Mapping) and action.get("id") is None:
            action = {**action, "id": _free_id(action.get("type"), taken)}
            taken.add(action["id"])
        actions.append(action)
    return {**document, "actions": actions}


def _has_id(action: object) -> bool:
    return isinstance(action, Mapping) and isinstance(action.get("id"), str)


def _free_id(action_type: object, taken: set[str]) -> str:
    is_name = isinstance(action_type, str) and _NAME.fullmatch(action_type) is not None
    stem = str(action_type).replace("_", "-") if is_name else "action"
    return next(name for number in range(1, _NUMBER_MAX) if (name := f"{stem}-{number}") not in taken)
