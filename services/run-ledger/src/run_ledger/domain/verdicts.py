"""Which comparison kept a workflow from starting."""

from typing import Any

import msgspec


def failing_leaves(verdict: bytes | None) -> list[dict[str, Any]]:
    """The leaves of a verdict's tree that made it a no: of `all` those that failed, of `any` all of them.

    Under `not` it is the other way round. Empty where the verdict was a yes, or is not kept any more.
    """
    tree = msgspec.json.decode(verdict).get("tree") if verdict else None
    return _deciding(tree, wanted=True) if isinstance(tree, dict) else []


def sentence(verdict: bytes | None) -> str | None:
    """The verdict in one sentence."""
    return msgspec.json.decode(verdict).get("sentence") if verdict else None


def _deciding(node: dict[str, Any], *, wanted: bool) -> list[dict[str, Any]]:
    """The leaves under `node` that gave the opposite of `wanted`."""
    if "not" in node:
        return _deciding(node["not"], wanted=not wanted)
    members = node.get("all", node.get("any"))
    if members is not None:
        return [leaf for member in members for leaf in _deciding(member, wanted=wanted)]
    return [node] if node.get("outcome") is not wanted else []
