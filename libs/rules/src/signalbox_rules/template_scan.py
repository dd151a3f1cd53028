"""A look over a template's marks before python-liquid reads it.

Its lexer is one regular expression, which goes over the rest of the text anew for each mark that is not
closed: 16,000 characters of `{{` took 16 s here, growing with the square. This look is linear, and lets only
closed marks pass.
"""

import re
from typing import Final

from signalbox_rules.errors import RefusedTemplate

MARK_CHARACTERS_MAX: Final = 4_000  # between the braces of one mark
BLANKS_MAX: Final = 80  # in a row inside a mark; the lexer's time grows with their square

_OPENING: Final = re.compile(r"\{\{|\{%")
_CLOSING: Final = {"{{": "}}", "{%": "%}"}
_VERBATIM: Final = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")
_BLANKS: Final = re.compile(rf"\s{{{BLANKS_MAX}}}")
_END_RAW: Final = re.compile(r"\{%-?\s*endraw\s*-?%\}")


def check_marks(source: str) -> None:
    """Raises RefusedTemplate for a mark that is not closed, or is longer than allowed."""
    position = 0
    while (opening := _OPENING.search(source, position)) is not None:
        mark = opening[0]
        end = source.find(_CLOSING[mark], opening.end())
        if end < 0:
            raise RefusedTemplate(f"{mark} is not closed by {_CLOSING[mark]}", _line(source, opening.start()))
        inside = source[opening.start() : end + 2]
        if len(inside) > MARK_CHARACTERS_MAX:
            detail = f"{mark} … {_CLOSING[mark]} has more than {MARK_CHARACTERS_MAX:,} characters"
            raise RefusedTemplate(detail, _line(source, opening.start()))
        if _BLANKS.search(inside):
            raise RefusedTemplate(f"{mark} has {BLANKS_MAX} blanks in a row", _line(source, opening.start()))
        position = _after(source, inside, opening.start(), end + 2)


def _after(source: str, inside: str, start: int, end: int) -> int:
    """Where to look on: after the mark, or after the verbatim text that it begins."""
    verbatim = _VERBATIM.fullmatch(inside)
    if verbatim is None:
        return end
    closing = _END_RAW.search(source, end) if verbatim[1] == "raw" else None
    if closing is None:
        raise RefusedTemplate(f"unexpected tag {verbatim[1]!r}, or it is not closed", _line(source, start))
    return closing.end()


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1
