"""A second interpreter of conditions, slow and plain: ADR 0010 read again, without code of the first."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any

NOTHING = object()


def holds(tree: Any, record: Any, previous: Any, now: datetime) -> bool:
    """`previous` is NOTHING if it was not published."""
    if "all" in tree:
        return all(holds(member, record, previous, now) for member in tree["all"])
    if "any" in tree:
        return any(holds(member, record, previous, now) for member in tree["any"])
    if "not" in tree:
        return not holds(tree["not"], record, previous, now)
    actual = look_up(record, tree["field"])
    published = previous is None or isinstance(previous, dict)
    before = look_up(previous, tree["field"]) if published else NOTHING
    return compare(tree["op"], actual, before, resolve(tree.get("value"), record), now)


def resolve(value: Any, record: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"field"}:
        return look_up(record, value["field"])
    if isinstance(value, dict):
        return {name: resolve(member, record) for name, member in value.items()}
    if isinstance(value, list):
        return [resolve(member, record) for member in value]
    return value


def look_up(record: Any, path: str) -> Any:
    value = record
    for step in re.findall(r"[^.\[\]]+|\[\d+\]", path):
        if step.startswith("["):
            index = int(step[1:-1])
            if not isinstance(value, list) or index >= len(value):
                return None
            value = value[index]
        else:
            if not isinstance(value, dict):
                return None
            value = value.get(step)
    return value


def empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> Any:
    if is_number(value):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    text = value.strip()
    minus = text.startswith("-")
    text = text[1:].lstrip() if minus else text
    if text and unicodedata.category(text[0]) == "Sc":
        text = text[1:].lstrip()
        if text.startswith("-") and not minus:
            minus, text = True, text[1:]
    groups = r"[1-9]\d{0,2}(,\d{3})+"
    if not re.fullmatch(rf"({groups}|[1-9]\d*|0)(\.\d+)?", text, re.ASCII):
        return None
    found = float(text.replace(",", "")) if "." in text else int(text.replace(",", ""))
    return -found if minus else found


def truth(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 40:
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def span(value: Any) -> Any:
    """(first moment, first moment after) of a date, (instant, instant) of a date and time, or None."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    text = value.strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            last = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
            return (start, last if start.date() == last.date() else start + timedelta(days=1))
        zone = r"(Z|[+-]\d\d:?\d\d)?"
        if not re.fullmatch(rf"\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{{1,9}})?)?{zone}", text, re.ASCII):
            return None
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return (moment, moment)


def earlier(left: Any, right: Any) -> bool:
    is_day = left[0] != left[1]
    return bool(left[1] <= right[0] if is_day else left[0] < right[0])


def equal(actual: Any, expected: Any) -> bool:
    if empty(expected):
        return empty(actual)
    if isinstance(expected, bool):
        return truth(actual) is expected
    if is_number(expected):
        found = number(actual)
        return found is not None and found == expected
    if isinstance(expected, str):
        return isinstance(actual, str) and folded(actual.strip()) == folded(expected.strip())
    if isinstance(expected, list):
        if not isinstance(actual, list):
            return False
        covered = all(any(equal(one, wanted) for wanted in expected) for one in actual)
        return covered and all(any(equal(one, wanted) for one in actual) for wanted in expected)
    return False


def one_of(actual: Any, expected: Any) -> bool:
    members = actual if isinstance(actual, list) and actual else [actual]
    return any(equal(member, wanted) for member in members for wanted in expected)


def part_of(actual: Any, expected: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(expected, str) and folded(expected) in folded(actual)
    return isinstance(actual, list) and any(equal(member, expected) for member in actual)


def same(left: Any, right: Any) -> bool:
    if empty(left) and empty(right):
        return True
    return alike(left, right)


def alike(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return set(left) == set(right) and all(alike(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(alike(*pair) for pair in zip(left, right, strict=True))
    return bool(left == right)


def less(left: Any, right: Any) -> Any:
    """None if they cannot be compared."""
    if number(left) is not None and number(right) is not None:
        return number(left) < number(right)
    if span(left) is not None and span(right) is not None:
        return earlier(span(left), span(right))
    return None


def against(actual: Any, expected: Any) -> tuple[Any, Any]:
    """(less, greater) of an actual value and a bound, which decides whether numbers or dates are meant."""
    if number(expected) is not None:
        found = number(actual)
        return (None, None) if found is None else (found < number(expected), found > number(expected))
    found, bound = span(actual), span(expected)
    return (None, None) if found is None or bound is None else (earlier(found, bound), earlier(bound, found))


def shift(now: datetime, text: str, sign: int) -> datetime:
    match = re.fullmatch(
        r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", text
    )
    assert match is not None
    years, months, weeks, days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    rest = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        count = now.year * 12 + now.month - 1 + sign * int(years * 12 + months)
        first = now.replace(year=count // 12, month=count % 12 + 1, day=1)
        following = first.replace(day=28) + timedelta(days=4)
        last_day = (following - timedelta(days=following.day)).day
        return first.replace(day=min(now.day, last_day)) + sign * rest
    except (ValueError, OverflowError):
        return datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC) if sign > 0 else datetime(1, 1, 1, tzinfo=UTC)


def ended(moment: Any, instant: datetime) -> bool:
    return bool(moment[1] <= instant if moment[0] != moment[1] else moment[0] < instant)


def compare(op: str, actual: Any, before: Any, expected: Any, now: datetime) -> bool:
    match op:
        case "equals":
            return not (isinstance(expected, dict) and expected) and equal(actual, expected)
        case "not_equals":
            return not (isinstance(expected, dict) and expected) and not equal(actual, expected)
        case "in" | "not_in":
            if any(isinstance(member, dict | list) and member for member in expected):
                return False
            return one_of(actual, expected) is (op == "in")
        case "contains" | "not_contains":
            if empty(expected) or isinstance(expected, dict | list):
                return False
            if not (empty(actual) or isinstance(actual, str | list)):
                return False
            return part_of(actual, expected) is (op == "contains")
        case "starts_with":
            sensible = isinstance(expected, str) and not empty(expected) and isinstance(actual, str)
            return sensible and folded(actual.lstrip()).startswith(folded(expected).lstrip())
        case "ends_with":
            sensible = isinstance(expected, str) and not empty(expected) and isinstance(actual, str)
            return sensible and folded(actual.rstrip()).endswith(folded(expected).rstrip())
        case "matches":
            return isinstance(actual, str) and re.search(expected, actual, re.ASCII) is not None
        case "is_empty" | "is_not_empty":
            return empty(actual) is (op == "is_empty")
        case "is_true" | "is_false":
            return truth(actual) is (op == "is_true")
        case "greater_than":
            return against(actual, expected)[1] is True
        case "less_than":
            return against(actual, expected)[0] is True
        case "greater_or_equal":
            return against(actual, expected)[0] is False
        case "less_or_equal":
            return against(actual, expected)[1] is False
        case "between":
            kinds = {number(bound) is not None for bound in expected}
            if len(kinds) == 2:
                return False
            return against(actual, expected[0])[0] is False and against(actual, expected[1])[1] is False
        case "before" | "after":
            found, bound = span(actual), span(expected)
            if found is None or bound is None:
                return False
            return earlier(found, bound) if op == "before" else earlier(bound, found)
        case "on":
            found, bound = span(actual), span(expected)
            return found is not None and bound is not None and found[0].date() == bound[0].date()
        case "within_last":
            found = span(actual)
            return found is not None and found[0] <= now and not ended(found, shift(now, expected, -1))
        case "within_next":
            found = span(actual)
            return found is not None and found[0] <= shift(now, expected, 1) and not ended(found, now)
        case "older_than":
            found = span(actual)
            return found is not None and ended(found, shift(now, expected, -1))
    return before is not NOTHING and compare_change(op, actual, before, expected)


def compare_change(op: str, actual: Any, before: Any, expected: Any) -> bool:
    match op:
        case "changed" | "not_changed":
            return same(actual, before) is (op == "not_changed")
        case "changed_to":
            return (
                not (isinstance(expected, dict) and expected)
                and equal(actual, expected)
                and not equal(before, expected)
            )
        case "changed_from":
            return (
                not (isinstance(expected, dict) and expected)
                and equal(before, expected)
                and not equal(actual, expected)
            )
        case "changed_from_to":
            if any(isinstance(member, dict) and member for member in expected.values()):
                return False
            return (
                equal(before, expected["from"]) and equal(actual, expected["to"]) and not same(actual, before)
            )
        case "increased":
            return less(before, actual) is True
        case "decreased":
            return less(actual, before) is True
    raise AssertionError(op)
