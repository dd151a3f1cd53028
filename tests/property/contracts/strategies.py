"""Any message of any kind, as Hypothesis builds it from the classes' own types."""

from typing import Any, get_type_hints

from hypothesis import strategies as st

from signalbox_contracts.messages import MESSAGES, Message, Part

LONG = st.integers(min_value=-(2**63), max_value=2**63 - 1)
INT = st.integers(min_value=-(2**31), max_value=2**31 - 1)
INT_FIELDS = frozenset(
    {"version", "attempt", "attempts", "index", "depth", "retry_number", "key_generation", "timeout_ms"}
    | {"window_seconds", "runs", "failed", "key_generations", "first_backoff_ms", "max_backoff_ms"}
)
"""Fields that are 32 bits wide on the wire, or may be."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

st.register_type_strategy(str, TEXT)
st.register_type_strategy(bytes, st.binary(max_size=40))
st.register_type_strategy(float, st.floats(allow_nan=False))


def _of(hint: Any, name: str) -> st.SearchStrategy[Any]:
    integers = INT if name in INT_FIELDS else LONG
    match getattr(hint, "__args__", ()):
        case _ if hint is int:
            return integers
        case (first, second) if first is str and second is int:
            return st.dictionaries(TEXT, integers, max_size=3)
        case (first, none) if first is int and none is type(None):
            return st.none() | integers
        case (inner, dots) if dots is ... and isinstance(inner, type) and issubclass(inner, Part):
            return st.lists(part(inner), max_size=3).map(tuple)
        case (inner, none) if none is type(None) and isinstance(inner, type) and issubclass(inner, Part):
            return st.none() | part(inner)
        case _ if isinstance(hint, type) and issubclass(hint, Part):
            return part(hint)
        case _:
            return st.from_type(hint)


def part(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of one message class or one part of a message."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: _of(hint, name) for name, hint in hints.items() if name[0] != "_"})


MESSAGE: st.SearchStrategy[Message] = st.one_of([part(message) for message in MESSAGES])
