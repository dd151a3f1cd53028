"""What a body may be: JSON and YAML as far as they mean the same."""

import json

import pytest

from workflow_api.domain.documents import NESTING_MAX, read_json, read_yaml, unstorable_texts
from workflow_api.errors import UnreadableDocument


def test_yaml_reads_as_jsons_data_model() -> None:
    text = """
name: Grüße 🦊 مرحبا
on: yes
since: 2026-11-23
number: 012
amount: 5.5e3
nothing:
flag: true
"quoted": "true"
lines: |
  a
  b
list: [1, {a: b}]
"""
    assert read_yaml(text.encode()) == {
        "name": "Grüße 🦊 مرحبا",
        "on": "yes",
        "since": "2026-11-23",
        "number": 12,
        "amount": 5500.0,
        "nothing": None,
        "flag": True,
        "quoted": "true",
        "lines": "a\nb\n",
        "list": [1, {"a": "b"}],
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x [*x]", "alias"),
        ("a: &x 1\nb: *x", "alias"),
        ("a: !!python/object/apply:os.system [ls]", "tag"),
        ("a: !custom 1", "tag"),
        ("a: 1\na: 2", "twice"),
        ("1: a", "quotes"),
        ("? [a]\n: b", "quotes"),
        ("a: [", "YAML"),
        ("a: 1\n---\nb: 2", "second document"),
        ("[" * 5000, "nested"),
        ("- " * 3000 + "x", "nested"),
        ("n: " + "9" * 5000, "digits"),
    ],
)
def test_yaml_that_json_does_not_have_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says):
        read_yaml(text.encode())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ("[NaN]", "NaN"),
        ("[1e999, Infinity]", "Infinity"),
        ("[" * (NESTING_MAX + 1) + "]" * (NESTING_MAX + 1), "nested"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 100_000, "nested"),
        ("[1,]", "line 1"),
        ("", "JSON"),
        ("9" * 5000, "digits"),
    ],
)
def test_json_with_surprises_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says):
        read_json(text.encode())


def test_brackets_inside_texts_are_no_nesting() -> None:
    value = {"a": "[{" * 500 + '\\"['}
    assert read_json(json.dumps(value).encode()) == value


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    for read in (read_json, read_yaml):
        with pytest.raises(UnreadableDocument, match="UTF-8"):
            read(b'{"a": "\xff"}')


def test_texts_that_postgresql_cannot_keep_are_found_with_their_place() -> None:
    value = {"a": ["fine", {"b/c": "nul \0"}], "k\0": 1, "s": "\ud83d"}
    assert sorted(problem.pointer for problem in unstorable_texts(value)) == ["", "/a/1/b~1c", "/s"]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == read_yaml(b"\xef\xbb\xbfa: 1") == {"a": 1}
