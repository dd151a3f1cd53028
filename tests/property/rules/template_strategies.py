"""Templates of every kind, mostly well-formed, over records that are not kind to them."""

import inspect
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from signalbox_rules.filters.registry import FILTERS

EVIL = "<script>alert('x')</script>&\"\r\n{{ record.b }}{% if true %}\x00/?#"

paths = st.sampled_from(
    [
        "record.a",
        "record.b",
        "record.evil",
        "record.list",
        "record.list[0]",
        "record.list[9].x",
        "record.o.p",
        "record.list.size",
        "record.list.first",
        "record",
        "previous.a",
        "owner.name",
        "nothing",
        "record['a']",
        "record.nothing.deep",
        "actions.tell-erp.receipt.status",
        "now",
        "record[record.key]",
        "forloop.index",
        "x",
    ]
)
literals = st.sampled_from(
    [
        "1",
        "0",
        "-3",
        "2.5",
        "''",
        "'x'",
        "', '",
        "'EUR'",
        "'de_DE'",
        "'%Y %H'",
        "'Europe/Berlin'",
        "true",
        "nil",
        "999999999999999999999999",
        "record.a",
        "(1..3)",
        "(1..99999)",
        "empty",
        "'<b>'",
    ]
)
plain = st.sampled_from(["", " ", "Dear ", "\n", "<b>", "&", "{", "}", "%", "é"])


@st.composite
def outputs(draw: Any, *, of: SearchStrategy[str] = paths) -> str:
    """`{{ value | filter: … }}`."""
    expression = draw(of | literals)
    for name in draw(st.lists(st.sampled_from([entry.name for entry in FILTERS]), max_size=3)):
        arguments = draw(st.lists(literals, max_size=2))
        expression += f" | {name}" + (": " + ", ".join(arguments) if arguments else "")
    return f"{{{{ {expression} }}}}"


_constants = st.sampled_from(
    ["1", "0", "-3", "2.5", "''", "'x'", "', '", "'EUR'", "'de_DE'", "'%Y %H'", "'a'", "'<b>'"]
)
_ARITIES = {
    entry.name: [parameter.default for parameter in inspect.signature(entry.function).parameters.values()][1:]
    for entry in FILTERS
}


@st.composite
def _right_calls(draw: Any) -> str:
    name = draw(st.sampled_from(list(_ARITIES)))
    needed = sum(default is inspect.Parameter.empty for default in _ARITIES[name])
    arguments = draw(st.lists(_constants, min_size=needed, max_size=len(_ARITIES[name])))
    return f" | {name}" + (": " + ", ".join(arguments) if arguments else "")


_right_outputs = st.builds(
    lambda path, calls: f"{{{{ {path}{''.join(calls)} }}}}",
    paths.filter(lambda path: "[record" not in path),
    st.lists(_right_calls(), max_size=3),
)


def _blocks(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    conditions = st.builds(
        lambda left, op, right: f"{left} {op} {right}",
        paths,
        st.sampled_from(["==", ">", "contains", "<="]),
        literals,
    )
    return st.one_of(
        st.builds(lambda test, body: f"{{% if {test} %}}{body}{{% endif %}}", conditions | paths, inner),
        st.builds(
            lambda test, body: f"{{% unless {test} %}}{body}{{% else %}}!{{% endunless %}}", paths, inner
        ),
        st.builds(lambda over, body: f"{{% for x in {over} %}}{body}{{% endfor %}}", paths | literals, inner),
        st.builds(lambda body: f"{{% capture x %}}{body}{{% endcapture %}}{{{{ x }}}}", inner),
        st.builds(lambda value: f"{{% assign x = {value} %}}", paths | literals),
        st.builds(
            lambda value, body: f"{{% case {value} %}}{{% when 1 %}}{body}{{% endcase %}}", paths, inner
        ),
        st.builds("".join, st.lists(inner, max_size=3)),
    )


templates: SearchStrategy[str] = st.recursive(plain | outputs(), _blocks, max_leaves=8)
"""Well-formed for the most part: filters may be given odd arguments."""

simple_templates: SearchStrategy[str] = st.lists(plain | _right_outputs, min_size=1, max_size=5).map("".join)
"""Those that go the short way: filters are given constants, and as many as they take."""

scraps: SearchStrategy[str] = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "if",
            "for x in",
            "endif",
            "endfor",
            "|",
            ":",
            "record",
            ".",
            "[",
            "]",
            "'",
            '"',
            "1",
            "..",
            "(",
            ")",
            "-",
            "raw",
            "endraw",
            "assign x =",
            "capture x",
            "comment",
            " ",
            "\n",
        ]
    ),
    max_size=25,
).map("".join) | st.text(max_size=30)
"""Not well-formed for the most part."""

leaves: SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "1,000", "2026-11-23T10:00:00Z", EVIL, "a,b"])
    | st.text(max_size=10)
)
values: SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ax"), inner, max_size=2),
    max_leaves=6,
)
variables: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "record": st.fixed_dictionaries(
            {"evil": st.just(EVIL)},
            optional={
                "a": values,
                "b": values,
                "list": st.lists(values, max_size=3),
                "o": values,
                "key": values,
            },
        )
        | values,
        "owner": st.just({"id": "u-1", "name": "Bob"}),
    },
    optional={"previous": values},
)
