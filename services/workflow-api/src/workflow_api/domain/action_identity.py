"""Ids of actions over a change: an action keeps its id, and a new one never gets an id that was another's.

The id is part of every effect key. Where a changed document leaves ids out, an action that is word for word
one of before is taken for that one; any other is new.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from signalbox_contracts.definitions.ids import assign_action_ids
from workflow_api.domain.workflow import Document


def keep_action_ids(body: Any, forms: Iterable[Document]) -> Any:
    """`body` with the ids written in that its actions had in one of `forms`, and fresh ones elsewhere."""
    if not isinstance(body, Mapping) or not isinstance(body.get("actions"), list):
        return body
    before = [action for form in forms for action in _actions_of(form) if _has_id(action)]
    given = {action["id"] for action in body["actions"] if _has_id(action)}
    left = {action["id"]: action for action in before if action["id"] not in given}
    actions = []
    for action in body["actions"]:
        if isinstance(action, Mapping) and action.get("id") is None:
            same = next((each for each in left.values() if _without_id(each) == _without_id(action)), None)
            if same is not None:
                del left[same["id"]]
                action = {"type": action.get("type"), "id": same["id"], **_without_id(action)}
        actions.append(action)
    # The ids that others had are shown to the assignment as taken, and cut off again.
    reserved = [{"type": "", "id": action_id} for action_id in left]
    assigned: Any = assign_action_ids({**body, "actions": [*actions, *reserved]})
    return {**body, "actions": assigned["actions"][: len(actions)]}


def _actions_of(form: Document) -> list[Any]:
    actions = form.get("actions")  # a draft may be unfinished
    return actions if isinstance(actions, list) else []


def _has_id(action: Any) -> bool:
    return isinstance(action, Mapping) and isinstance(action.get("id"), str)


def _without_id(action: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in action.items() if key != "id"}
