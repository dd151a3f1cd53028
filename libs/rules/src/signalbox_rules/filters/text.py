"""Filters of text."""

import html
import re
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from signalbox_rules.filters.filter import (
    MEMBERS_MAX,
    RESULT_CHARACTERS_MAX,
    Filter,
    FilterRefused,
    limited,
    to_json,
    to_text,
    to_whole,
)

_TAG: Final = re.compile(r"<[^<>]*>")


def default(value: Any, fallback: Any = "") -> Any:
    """The fallback where there is nothing: null, false, empty text, an empty list or object."""
    return fallback if value is None or value is False or value in ("", [], {}) else value


def truncate(value: Any, length: Any = 50, ending: Any = "…") -> str:
    """At most `length` characters, the ending included."""
    text, limit, tail = to_text(value), to_whole(length, "the length"), to_text(ending)
    if len(text) <= limit:
        return text
    return (text[: max(0, limit - len(tail))] + tail)[: max(0, limit)]


def truncatewords(value: Any, count: Any = 15, ending: Any = "…") -> str:
    """At most `count` words."""
    limit = max(1, to_whole(count, "the number of words"))
    words = to_text(value).split(maxsplit=min(limit, MEMBERS_MAX))
    return " ".join(words) if len(words) <= limit else " ".join(words[:limit]) + to_text(ending)


def append(value: Any, ending: Any) -> str:
    """With text at the end."""
    return limited(to_text(value) + to_text(ending))


def prepend(value: Any, start: Any) -> str:
    """With text at the start."""
    return limited(to_text(start) + to_text(value))


def replace(value: Any, old: Any, new: Any = "") -> str:
    """Every occurrence replaced."""
    text, sought, replacement = to_text(value), to_text(old), to_text(new)
    if not sought:
        return text
    if len(text) + text.count(sought) * (len(replacement) - len(sought)) > RESULT_CHARACTERS_MAX:
        raise FilterRefused(f"the result has more than {RESULT_CHARACTERS_MAX:,} characters")
    return text.replace(sought, replacement)


def split(value: Any, separator: Any = " ") -> list[str]:
    """A list of parts."""
    text, mark = to_text(value), to_text(separator)
    if not text:
        return []
    parts = text.split(mark, MEMBERS_MAX) if mark else list(text[: MEMBERS_MAX + 1])
    if len(parts) > MEMBERS_MAX:
        raise FilterRefused(f"the list has more than {MEMBERS_MAX:,} members")
    return parts


def slice_text(value: Any, start: Any, length: Any = 1) -> Any:
    """A part of text or of a list."""
    source = value if type(value) is list else to_text(value)
    first, count = to_whole(start, "the start"), max(0, to_whole(length, "the length"))
    if first < 0:
        first = max(0, len(source) + first)
    return source[first : first + count]


def escape_html(value: Any) -> Markup:
    """HTML-escaped. In an HTML body every value is, so there it changes nothing."""
    return escape(to_text(value))


def newline_to_br(value: Any) -> Markup:
    """HTML-escaped, with line breaks."""
    lines = limited(to_text(value)).replace("\r\n", "\n").split("\n")
    return Markup("<br>\n").join(escape(line) for line in lines)


def strip_html(value: Any) -> str:
    """Text without tags and with characters in place of entities."""
    return html.unescape(_TAG.sub("", to_text(value)))


def url_encode(value: Any) -> str:
    """Percent-encoded, for a part of a URL."""
    return limited(quote(to_text(value), safe="", errors="replace"))


def capitalize(value: Any) -> str:
    """With a capital first letter; the others stay."""
    text = to_text(value)
    return text[:1].upper() + text[1:]


TEXT_FILTERS: Final = (
    Filter("default", "a value where there is none", '{{ record.name | default: "there" }}', default),
    Filter("upcase", "capital letters", "{{ record.code | upcase }}", lambda value: to_text(value).upper()),
    Filter(
        "downcase", "small letters", "{{ record.email | downcase }}", lambda value: to_text(value).lower()
    ),
    Filter("capitalize", "a capital first letter", "{{ record.name | capitalize }}", capitalize),
    Filter(
        "strip",
        "no white space at both ends",
        "{{ record.name | strip }}",
        lambda value: to_text(value).strip(),
    ),
    Filter("truncate", "at most so many characters", "{{ record.notes | truncate: 80 }}", truncate),
    Filter("truncatewords", "at most so many words", "{{ record.notes | truncatewords: 20 }}", truncatewords),
    Filter("append", "text at the end", '{{ record.name | append: "!" }}', append),
    Filter("prepend", "text at the start", '{{ record.name | prepend: "Dr. " }}', prepend),
    Filter("replace", "every occurrence replaced", '{{ record.phone | replace: " ", "" }}', replace),
    Filter("remove", "every occurrence removed", '{{ record.phone | remove: " " }}', replace),
    Filter("split", "a list of parts", '{{ record.tags | split: "," | first }}', split),
    Filter("slice", "a part of text or of a list", "{{ record.code | slice: 0, 3 }}", slice_text),
    Filter("escape", "HTML-escaped", "{{ record.name | escape }}", escape_html),
    Filter("newline_to_br", "HTML with line breaks", "{{ record.notes | newline_to_br }}", newline_to_br),
    Filter("strip_html", "text without tags", "{{ record.notes | strip_html }}", strip_html),
    Filter("url_encode", "percent-encoded", "{{ record.name | url_encode }}", url_encode),
    Filter("json", "as JSON", "{{ record.lines | json }}", to_json),
)
